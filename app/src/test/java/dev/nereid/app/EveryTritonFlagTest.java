package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/**
 * Every option of Triton's command line is known here: it is taken, or refused by its name with a
 * reason. None is called unknown.
 */
final class EveryTritonFlagTest {
  private static final Installation INSTALLATION =
      new Installation(Path.of("/opt/nereid"), null, "0");

  /** What {@code nereid serve} does with these words before it begins to serve; the warnings. */
  private static List<String> take(List<String> words) {
    List<String> line = new ArrayList<>(words);
    line.addFirst("serve");
    List<String> others =
        Nereid.commandLine(INSTALLATION)
            .parseArgs(line.toArray(String[]::new))
            .subcommand()
            .unmatched();
    ServeFlags flags = new ServeFlags();
    List<String> known = new ArrayList<>(words);
    known.removeAll(others);
    new CommandLine(flags).parseArgs(known.toArray(String[]::new));
    TritonFlags.Outcome sorted = TritonFlags.sort(others);
    assertThat(sorted.unknown()).isEmpty();
    var _ = flags.options(INSTALLATION);
    return sorted.warnings();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // server and repository
        "--id=triton",
        "--model-repository=/models",
        "--model-store=/models",
        "--model-control-mode=explicit",
        "--repository-poll-secs=15",
        "--load-model=* --model-control-mode=explicit",
        "--model-config-name=fast",
        "--strict-readiness=true",
        "--strict-model-config=false",
        "--disable-auto-complete-config",
        "--exit-on-error=true",
        "--exit-timeout-secs=30",
        "--model-load-thread-count=4",
        "--model-load-retry-count=0",
        "--model-namespacing=false",
        "--enable-peer-access=true",
        "--backend-directory=/opt/tritonserver/backends",
        "--backend-config=onnxruntime,default-max-batch-size=4",
        "--repoagent-directory=/opt/tritonserver/repoagents",
        "--cache-config=local,size=1048576",
        "--cache-directory=/opt/tritonserver/caches",
        "--response-cache-byte-size=1048576",
        "--rate-limit=execution_count",
        "--rate-limit-resource=R1:4:0 --rate-limit=execution_count",
        "--pinned-memory-pool-byte-size=268435456",
        "--cuda-memory-pool-byte-size=0:67108864",
        "--cuda-virtual-address-size=0:1073741824",
        "--min-supported-compute-capability=6.0",
        "--buffer-manager-thread-count=0",
        "--host-policy=gpu_0,numa-node=0",
        "--model-load-gpu-limit=0:0.5",
        "--allow-client-shm=false",
        // HTTP
        "--allow-http=true",
        "--http-address=0.0.0.0",
        "--http-port=8000",
        "--reuse-http-port=false",
        "--http-thread-count=8",
        "--http-header-forward-pattern=x-.*",
        "--http-max-input-size=67108864",
        "--http-restricted-api=model-repository,logging:admin=key",
        // gRPC
        "--allow-grpc=true",
        "--grpc-address=0.0.0.0",
        "--grpc-port=8001",
        "--reuse-grpc-port=false",
        "--grpc-header-forward-pattern=x-.*",
        "--grpc-infer-thread-count=2",
        "--grpc-infer-allocation-pool-size=8",
        "--grpc-max-response-pool-size=100",
        "--grpc-use-ssl=false",
        "--grpc-use-ssl-mutual=false",
        "--grpc-server-cert=server.crt",
        "--grpc-server-key=server.key",
        "--grpc-root-cert=ca.crt",
        "--grpc-infer-response-compression-level=medium",
        "--grpc-keepalive-time=7200000",
        "--grpc-keepalive-timeout=20000",
        "--grpc-keepalive-permit-without-calls=false",
        "--grpc-http2-max-pings-without-data=2",
        "--grpc-http2-min-recv-ping-interval-without-data=300000",
        "--grpc-http2-max-ping-strikes=2",
        "--grpc-max-connection-age=3600000",
        "--grpc-max-connection-age-grace=10000",
        "--grpc-restricted-protocol=model-repository,logging:admin=key",
        // metrics, log and traces
        "--allow-metrics=true",
        "--allow-gpu-metrics=true",
        "--allow-cpu-metrics=true",
        "--metrics-address=0.0.0.0",
        "--metrics-port=8002",
        "--metrics-interval-ms=2000",
        "--metrics-config=counter_latencies=true",
        "--log-verbose=1",
        "--log-info=true",
        "--log-warning=true",
        "--log-error=true",
        "--log-format=ISO8601",
        "--log-file=server.log",
        "--trace-config=mode=opentelemetry --trace-config=opentelemetry,url=http://localhost:4318",
        "--trace-level=OFF",
        "--trace-rate=1000",
        "--trace-count=-1",
        "--trace-log-frequency=0",
        // clouds
        "--allow-sagemaker=false",
        "--sagemaker-port=8080",
        "--sagemaker-safe-port-range=8000-9000",
        "--sagemaker-thread-count=8",
        "--allow-vertex-ai=false",
        "--vertex-ai-port=8080",
        "--vertex-ai-thread-count=8",
        "--vertex-ai-default-model=simple",
      })
  void isTakenInBothForms(String flags) {
    List<String> words = List.of(flags.split(" ", -1));
    List<String> apart = words.stream().flatMap(word -> Arrays.stream(word.split("=", 2))).toList();
    assertThat(take(words)).isEqualTo(take(apart));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--model-repository=s3://bucket/models",
        "--model-namespacing=true",
        "--cache-config=redis,host=localhost",
        "--allow-client-shm=true",
        "--trace-file=/tmp/traces",
        "--trace-level=TIMESTAMPS",
        "--trace-config=level=TIMESTAMPS",
        "--trace-config=level=TENSORS",
        "--allow-sagemaker=true",
        "--allow-vertex-ai=true",
      })
  void isRefusedByItsNameWithAReason(String flag) {
    assertThatThrownBy(() -> take(List.of(flag)))
        .hasMessageContaining(flag.substring(0, flag.indexOf('=')))
        .message()
        .containsAnyOf("not offered yet", "(expected: ")
        .doesNotContain("unknown option");
  }
}
