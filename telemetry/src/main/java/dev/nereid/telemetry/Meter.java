package dev.nereid.telemetry;

import java.util.List;

/**
 * Every number the server publishes; dashboards and alerts are written against this list. Names
 * that start with {@code nv_} are Triton's, with its labels and units.
 */
public enum Meter {
  INFERENCE_SUCCESS(
      Kind.COUNTER,
      "nv_inference_request_success",
      "Requests answered without error.",
      Labels.MODEL),
  INFERENCE_FAILURE(
      Kind.COUNTER,
      "nv_inference_request_failure",
      "Requests that failed, by reason: REJECTED, CANCELED, BACKEND, OTHER.",
      Labels.MODEL_REASON),
  INFERENCE_COUNT(
      Kind.COUNTER,
      "nv_inference_count",
      "Inferences done: the sum of the batch sizes of requests.",
      Labels.MODEL),
  EXECUTION_COUNT(
      Kind.COUNTER, "nv_inference_exec_count", "Executions of the model.", Labels.MODEL),
  REQUEST_DURATION(
      Kind.COUNTER,
      "nv_inference_request_duration_us",
      "Microseconds from the arrival of requests to their answers.",
      Labels.MODEL),
  QUEUE_DURATION(
      Kind.COUNTER, "nv_inference_queue_duration_us", "Microseconds in the queue.", Labels.MODEL),
  COMPUTE_INPUT_DURATION(
      Kind.COUNTER,
      "nv_inference_compute_input_duration_us",
      "Microseconds spent on preparing inputs.",
      Labels.MODEL),
  COMPUTE_INFER_DURATION(
      Kind.COUNTER,
      "nv_inference_compute_infer_duration_us",
      "Microseconds the model ran.",
      Labels.MODEL),
  COMPUTE_OUTPUT_DURATION(
      Kind.COUNTER,
      "nv_inference_compute_output_duration_us",
      "Microseconds spent on preparing outputs.",
      Labels.MODEL),
  CACHE_HITS(
      Kind.COUNTER,
      "nv_cache_num_hits_per_model",
      "Requests that the cache answered.",
      Labels.MODEL),
  CACHE_MISSES(
      Kind.COUNTER, "nv_cache_num_misses_per_model", "Requests it did not answer.", Labels.MODEL),
  CACHE_HIT_DURATION(
      Kind.COUNTER,
      "nv_cache_hit_duration_per_model",
      "Microseconds spent on answering from the response cache.",
      Labels.MODEL),
  CACHE_MISS_DURATION(
      Kind.COUNTER,
      "nv_cache_miss_duration_per_model",
      "Microseconds spent on looking up in vain and storing the answer.",
      Labels.MODEL),
  CACHE_SHARED(
      Kind.COUNTER,
      "nereid_cache_shared_requests_total",
      "Of the cache's hits, requests answered by the run of an equal one beside them.",
      Labels.MODEL),
  CACHE_BYTES(Kind.GAUGE, "nereid_cache_bytes", "Bytes the response cache holds.", List.of()),
  CACHE_ENTRIES(Kind.GAUGE, "nereid_cache_entries", "Answers the response cache holds.", List.of()),
  CACHE_EVICTIONS(
      Kind.COUNTER,
      "nereid_cache_evictions_total",
      "Answers dropped from the response cache to make room.",
      List.of()),
  CACHE_REFUSALS(
      Kind.COUNTER,
      "nereid_cache_refusals_total",
      "Answers not stored and requests not looked up: too_large, memory or busy.",
      List.of("reason")),
  RESOURCE_SIZE(
      Kind.GAUGE, "nereid_resource_size", "How much there is of a resource.", Labels.RESOURCE),
  RESOURCE_USED(
      Kind.GAUGE, "nereid_resource_used", "How much of it executions hold.", Labels.RESOURCE),
  PENDING_REQUESTS(
      Kind.GAUGE, "nv_inference_pending_request_count", "Requests that wait.", Labels.MODEL),
  FIRST_RESPONSE(
      Kind.HISTOGRAM,
      "nv_inference_first_response_histogram_ms",
      "Milliseconds to the first response.",
      Labels.MODEL),
  REQUEST_SUMMARY(
      Kind.SUMMARY, "nv_inference_request_summary_us", "Microseconds of requests.", Labels.MODEL),
  QUEUE_SUMMARY(
      Kind.SUMMARY, "nv_inference_queue_summary_us", "Microseconds in the queue.", Labels.MODEL),
  COMPUTE_INPUT_SUMMARY(
      Kind.SUMMARY,
      "nv_inference_compute_input_summary_us",
      "Microseconds for inputs.",
      Labels.MODEL),
  COMPUTE_INFER_SUMMARY(
      Kind.SUMMARY,
      "nv_inference_compute_infer_summary_us",
      "Microseconds of the model.",
      Labels.MODEL),
  COMPUTE_OUTPUT_SUMMARY(
      Kind.SUMMARY,
      "nv_inference_compute_output_summary_us",
      "Microseconds for outputs.",
      Labels.MODEL),
  CACHE_HIT_SUMMARY(
      Kind.SUMMARY, "nv_cache_hit_summary_per_model", "Microseconds of hits.", Labels.MODEL),
  CACHE_MISS_SUMMARY(
      Kind.SUMMARY, "nv_cache_miss_summary_per_model", "Microseconds of misses.", Labels.MODEL),
  LOAD_DURATION(
      Kind.GAUGE, "nv_model_load_duration_secs", "Seconds the last load took.", Labels.MODEL),
  MODEL_LOADS(
      Kind.COUNTER,
      "nereid_model_loads_total",
      "Loads and reloads of a model that ended, by outcome: success, failure.",
      List.of("model", "outcome")),
  REQUEST_SECONDS(
      Kind.HISTOGRAM,
      "nereid_request_seconds",
      "Time from the arrival of a request at the engine to its answer.",
      Labels.MODEL),
  PHASE_SECONDS(
      Kind.HISTOGRAM,
      "nereid_phase_seconds",
      "Time of a model's requests per phase: queue, decode, preprocess, compute, postprocess.",
      Labels.MODEL_PHASE),
  EXECUTION_SECONDS(
      Kind.HISTOGRAM,
      "nereid_execution_seconds",
      "Time per part of an execution: input, infer, output.",
      List.of("model", "version", "part")),
  BATCH_SIZE(Kind.HISTOGRAM, "nereid_batch_size", "Batch sizes executed.", Labels.MODEL),
  GATHERS(
      Kind.COUNTER,
      "nereid_gathers_total",
      "Batch inputs, by whether joining them took a copy.",
      List.of("model", "version", "kind")),
  OPEN_LEASES(
      Kind.GAUGE, "nereid_open_leases", "Shares in off-heap blocks not given back.", List.of()),
  DIRECT_MEMORY_USED(
      Kind.GAUGE, "nereid_direct_memory_used_bytes", "Off-heap bytes leased.", List.of()),
  DIRECT_MEMORY_HELD(
      Kind.GAUGE,
      "nereid_direct_memory_held_bytes",
      "Off-heap bytes held from the operating system, leased or kept for reuse.",
      List.of()),
  DIRECT_MEMORY_REFUSALS(
      Kind.COUNTER,
      "nereid_direct_memory_refusals_total",
      "Requests for off-heap memory that were refused.",
      List.of()),
  HTTP_REQUESTS(
      Kind.COUNTER,
      "nereid_http_requests_total",
      "HTTP requests answered, by listener and status.",
      List.of("listener", "status")),
  HTTP_REFUSALS(
      Kind.COUNTER,
      "nereid_http_refusals_total",
      "HTTP requests refused by a limit, by listener and limit.",
      List.of("listener", "limit")),
  CONNECTIONS(
      Kind.GAUGE, "nereid_connections", "Open connections, by listener.", List.of("listener")),
  IN_FLIGHT(
      Kind.GAUGE,
      "nereid_in_flight_requests",
      "Requests being served, by listener.",
      List.of("listener")),
  IN_FLIGHT_BYTES(
      Kind.GAUGE,
      "nereid_in_flight_bytes",
      "Bytes of the bodies of requests being served, by listener.",
      List.of("listener")),
  TLS_NOT_AFTER(
      Kind.GAUGE,
      "nereid_tls_certificate_not_after_seconds",
      "When the listener's TLS certificate expires, Unix time.",
      List.of("listener")),
  TLS_RELOADS(
      Kind.COUNTER,
      "nereid_tls_reloads_total",
      "Changed TLS files, by listener and whether they were taken or refused.",
      List.of("listener", "outcome")),
  TLS_FAILURES(
      Kind.COUNTER,
      "nereid_tls_handshake_failures_total",
      "TLS handshakes of clients that failed, by listener.",
      List.of("listener")),
  ACCESS_REFUSALS(
      Kind.COUNTER, "nereid_access_refusals_total", "Requests not let in.", Labels.REFUSED),
  ACCESS_RELOADS(
      Kind.COUNTER, "nereid_access_reloads_total", "Changed callers and keys.", Labels.RELOADED),
  GRPC_STREAMS(Kind.GAUGE, "nereid_grpc_streams", "Open gRPC calls.", List.of()),
  GRPC_REQUESTS(
      Kind.COUNTER, "nereid_grpc_requests_total", "gRPC calls, by status.", List.of("status")),
  REQUEST_PHASE_SECONDS(
      Kind.HISTOGRAM,
      "nereid_request_phase_seconds",
      "Time of a listener's inferences per phase: queue, decode, preprocess, compute, postprocess,"
          + " encode.",
      List.of("listener", "phase")),
  ACCESS_LOG_DROPPED(
      Kind.COUNTER,
      "nereid_access_log_dropped_total",
      "Lines of the access log lost: its writer fell behind, or could not write.",
      List.of()),
  API_REQUESTS(
      Kind.COUNTER,
      "api_requests_total",
      "Requests to the image gateway, by endpoint and status.",
      List.of("endpoint", "status")),
  API_DURATION(
      Kind.HISTOGRAM,
      "api_request_duration_seconds",
      "Time from the first byte of a gateway request to its answer.",
      List.of("endpoint")),
  API_ACTIVE(Kind.GAUGE, "api_active_requests", "Gateway requests being served.", List.of()),
  RESULT_CACHE_REQUESTS(
      Kind.COUNTER, "nereid_result_cache_requests_total", "Look-ups.", List.of("source")),
  RESULT_CACHE_RATIO(
      Kind.GAUGE, "nereid_result_cache_hit_ratio", "Hits among the look-ups.", List.of()),
  RESULT_CACHE_BYTES(
      Kind.GAUGE, "nereid_result_cache_bytes", "Bytes the result cache holds.", List.of()),
  RESULT_CACHE_ENTRIES(
      Kind.GAUGE, "nereid_result_cache_entries", "Results the result cache holds.", List.of()),
  RESULT_CACHE_EVICTIONS(
      Kind.COUNTER, "nereid_result_cache_evictions_total", "Results dropped.", List.of()),
  RESULT_CACHE_SHARED_UP(
      Kind.GAUGE, "nereid_result_cache_shared_up", "1 while Redis is asked.", List.of()),
  RESULT_CACHE_SHARED_FAILURES(
      Kind.COUNTER,
      "nereid_result_cache_shared_failures_total",
      "Look-ups and results that Redis did not take: late, failed, or skipped while it is gone.",
      List.of("reason")),
  TRITON_BATCH_SIZE(
      Kind.HISTOGRAM,
      "triton_batch_size",
      "Batch sizes executed for the gateway, in this process or on the remote servers.",
      List.of()),
  TRITON_QUEUE_TIME(
      Kind.HISTOGRAM,
      "triton_queue_time_ms",
      "Milliseconds that pictures waited in queues of models.",
      List.of()),
  TRITON_INFERENCE_TIME(
      Kind.HISTOGRAM,
      "triton_inference_time_ms",
      "Milliseconds that models ran for pictures.",
      List.of()),
  TRAFFIC_REQUESTS(
      Kind.COUNTER, "nereid_traffic_requests_total", "Requests by arm.", Labels.ARM_OUTCOME),
  TRAFFIC_WEIGHT(Kind.GAUGE, "nereid_traffic_weight", "Weight of an arm.", Labels.ARM),
  SHADOW_REQUESTS(
      Kind.COUNTER, "nereid_shadow_requests_total", "Pictures copied.", Labels.SHADOW_OUTCOME),
  SHADOW_OBJECTS(
      Kind.COUNTER, "nereid_shadow_objects_total", "Objects compared.", Labels.SHADOW_KIND),
  SHADOW_OVERLAP(
      Kind.GAUGE, "nereid_shadow_mean_iou", "Mean IoU of what was matched.", Labels.SHADOW),
  SHADOW_AGREEMENT(
      Kind.GAUGE, "nereid_shadow_label_agreement", "Matches of one class.", Labels.SHADOW),
  SHADOW_COSINE(
      Kind.GAUGE, "nereid_shadow_mean_cosine", "Mean cosine of embeddings.", Labels.SHADOW),
  UPSTREAM_STATE(
      Kind.GAUGE,
      "nereid_upstream_state",
      "Where a remote server stands: 1 for its state, 0 for the others.",
      List.of("target", "state")),
  UPSTREAM_CONNECTIONS(
      Kind.GAUGE, "nereid_upstream_connections", "Open connections to it.", Labels.TARGET),
  UPSTREAM_STREAMS(
      Kind.GAUGE,
      "nereid_upstream_streams",
      "Calls to a remote server: active, or waiting for a stream of the connection.",
      List.of("target", "kind")),
  UPSTREAM_QUEUE_DEPTH(
      Kind.GAUGE,
      "nereid_upstream_queue_depth",
      "Requests in the queues of a remote server, on average over the last seconds.",
      Labels.TARGET),
  UPSTREAM_REQUESTS(
      Kind.COUNTER,
      "nereid_upstream_requests_total",
      "Calls to a remote server: answered, or failed by its fault.",
      List.of("target", "outcome")),
  UPSTREAM_TAIL(
      Kind.GAUGE,
      "nereid_upstream_tail_seconds",
      "What one call in a hundred took longer than, over the last ten seconds.",
      Labels.TARGET),
  UPSTREAM_BATCHES(
      Kind.COUNTER,
      "nereid_upstream_batches_total",
      "Executions on a remote server, by batch size.",
      List.of("target", "size")),
  UPSTREAM_BREAKER(
      Kind.GAUGE,
      "nereid_upstream_breaker_state",
      "A model's breaker: 0 closed, 1 half open, 2 open.",
      List.of("target", "model")),
  UPSTREAM_RED_FLAG(
      Kind.GAUGE,
      "nereid_upstream_red_flag",
      "Signs of saturation: 1 while raised.",
      List.of("target", "flag")),
  UPSTREAM_IN_FLIGHT(
      Kind.GAUGE, "nereid_upstream_in_flight", "Calls admitted and not answered yet.", List.of()),
  UPSTREAM_WAITING(
      Kind.GAUGE, "nereid_upstream_waiting", "Calls that wait to be admitted.", List.of()),
  UPSTREAM_REFUSALS(
      Kind.COUNTER, "nereid_upstream_refusals_total", "Calls without room in time.", List.of()),
  UPSTREAM_RETRIES(
      Kind.COUNTER, "nereid_upstream_retries_total", "Attempts after a failed one.", List.of()),
  UPSTREAM_RETRY_REFUSALS(
      Kind.COUNTER,
      "nereid_upstream_retry_refusals_total",
      "Attempts that the budget for retries did not allow.",
      List.of()),
  UPSTREAM_HEDGES(
      Kind.COUNTER, "nereid_upstream_hedges_total", "Attempts beside the first.", List.of()),
  TRACE_SPANS(Kind.COUNTER, "nereid_trace_spans_total", "Spans of traces.", Labels.OUTCOME),
  SAMPLES(Kind.COUNTER, "nereid_payload_samples_total", "Payload samples.", Labels.OUTCOME),
  GPU_UTILIZATION(Kind.GAUGE, "nv_gpu_utilization", "Share of the GPU in use, 0 to 1.", Labels.GPU),
  GPU_MEMORY_TOTAL(Kind.GAUGE, "nv_gpu_memory_total_bytes", "Memory of the GPU.", Labels.GPU),
  GPU_MEMORY_USED(Kind.GAUGE, "nv_gpu_memory_used_bytes", "Memory of the GPU in use.", Labels.GPU),
  GPU_POWER(Kind.GAUGE, "nv_gpu_power_usage", "Power the GPU draws, in watts.", Labels.GPU),
  GPU_POWER_LIMIT(
      Kind.GAUGE, "nv_gpu_power_limit", "Power the GPU may draw, in watts.", Labels.GPU),
  GPU_ENERGY(
      Kind.COUNTER,
      "nv_energy_consumption",
      "Energy the GPU used since its driver was loaded, in joules.",
      Labels.GPU),
  CPU_UTILIZATION(
      Kind.GAUGE, "nv_cpu_utilization", "Share of the processors in use, 0 to 1.", List.of()),
  CPU_MEMORY_TOTAL(Kind.GAUGE, "nv_cpu_memory_total_bytes", "Memory of the host.", List.of()),
  CPU_MEMORY_USED(Kind.GAUGE, "nv_cpu_memory_used_bytes", "Memory of the host in use.", List.of()),
  PROCESS_CPU(
      Kind.COUNTER, "process_cpu_seconds_total", "Processor time of this process.", List.of()),
  PROCESS_RSS(
      Kind.GAUGE, "process_resident_memory_bytes", "Resident memory of this process.", List.of()),
  PROCESS_START(
      Kind.GAUGE, "process_start_time_seconds", "When this process started, Unix time.", List.of()),
  PROCESS_FDS(Kind.GAUGE, "process_open_fds", "Open file descriptors of this process.", List.of()),
  JVM_HEAP_USED(Kind.GAUGE, "jvm_memory_heap_used_bytes", "Heap in use.", List.of()),
  JVM_HEAP_MAX(Kind.GAUGE, "jvm_memory_heap_max_bytes", "The heap's limit.", List.of()),
  JVM_THREADS(Kind.GAUGE, "jvm_threads", "Live platform threads.", List.of()),
  JVM_GC_SECONDS(
      Kind.COUNTER, "jvm_gc_seconds_total", "Time spent in garbage collection.", List.of());

  /** The form of a number. */
  public enum Kind {
    COUNTER,
    GAUGE,
    HISTOGRAM,
    SUMMARY
  }

  private final Kind kind;
  private final String id;
  private final String help;

  @SuppressWarnings("ImmutableEnumChecker") // made by List.of
  private final List<String> labels;

  Meter(Kind kind, String id, String help, List<String> labels) {
    this.kind = kind;
    this.id = id;
    this.help = help;
    this.labels = labels;
  }

  /** The form of the number. */
  public Kind kind() {
    return kind;
  }

  /** The name as scraped. */
  public String id() {
    return id;
  }

  /** What it counts. */
  public String help() {
    return help;
  }

  /** The names of its labels, in the order their values are given. */
  public List<String> labels() {
    return labels;
  }
}
