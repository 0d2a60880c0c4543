package dev.nereid.bench;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The flags of the five-way comparison that people know; each pair of addresses is a target. */
final class OriginalFlags {
  @Option(names = "--pytorch-url", defaultValue = "", description = "A REST service of pictures.")
  String pytorch = "";

  @Option(names = "--onnx-http-url", defaultValue = "", description = "A v2 server over HTTP.")
  String onnxHttp = "";

  @Option(names = "--onnx-grpc-url", defaultValue = "", description = "The same over gRPC.")
  String onnxGrpc = "";

  @Option(names = "--onnx-metrics-url", defaultValue = "", description = "Its metrics.")
  String onnxMetrics = "";

  @Option(names = "--trt-http-url", defaultValue = "", description = "Another v2 server.")
  String trtHttp = "";

  @Option(names = "--trt-grpc-url", defaultValue = "", description = "The same over gRPC.")
  String trtGrpc = "";

  @Option(names = "--trt-metrics-url", defaultValue = "", description = "Its metrics.")
  String trtMetrics = "";

  @Option(
      names = "--iterations",
      defaultValue = "0",
      description = "Requests for each point, instead of a time.")
  int iterations;

  @Option(names = "--skip-pytorch", description = "Without the REST service.")
  boolean skipPytorch;

  @Option(names = "--skip-onnx", description = "Without the first v2 server.")
  boolean skipOnnx;

  @Option(names = "--skip-trt", description = "Without the second v2 server.")
  boolean skipTrt;

  /** The servers named by these flags, if any. */
  List<ProtocolTarget> targets() {
    List<ProtocolTarget> all = new ArrayList<>();
    if (!skipPytorch) {
      add(all, "pytorch", "", "", "", pytorch);
    }
    if (!skipOnnx) {
      add(all, "onnx", onnxHttp, onnxGrpc, onnxMetrics, "");
    }
    if (!skipTrt) {
      add(all, "trt", trtHttp, trtGrpc, trtMetrics, "");
    }
    return all;
  }

  private static void add(
      List<ProtocolTarget> all,
      String name,
      String http,
      String grpc,
      String metrics,
      String rest) {
    ProtocolTarget target = new ProtocolTarget(name, null, null, null, null);
    target = http.isEmpty() ? target : target.with("http", http);
    target = grpc.isEmpty() ? target : target.with("grpc", grpc);
    target = rest.isEmpty() ? target : target.with("rest", rest);
    if (target.http() != null || target.grpc() != null || target.rest() != null) {
      all.add(metrics.isEmpty() ? target : target.with("metrics", metrics));
    }
  }
}
