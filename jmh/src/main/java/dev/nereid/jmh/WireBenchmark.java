package dev.nereid.jmh;

import com.google.protobuf.ByteString;
import dev.nereid.core.DataType;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Timings;
import dev.nereid.protocol.Arrival;
import dev.nereid.protocol.GrpcRequestReader;
import dev.nereid.protocol.GrpcResponse;
import dev.nereid.protocol.InferMessage;
import dev.nereid.protocol.JsonRequestReader;
import dev.nereid.protocol.JsonResponse;
import dev.nereid.protocol.JsonResponseWriter;
import dev.nereid.protocol.RequestLimits;
import dev.nereid.protocol.ResponseForm;
import dev.nereid.protocol.proto.ModelInferRequest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What reading a request and writing an answer cost, without sockets. The small request is that of
 * an MLP with 64 inputs and 10 outputs; the JSON one is a ResNet-50's picture of 150,528 numbers.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(1)
public class WireBenchmark {
  private static final int NUMBERS = 3 * 224 * 224;
  private static final Arrival ARRIVAL = new Arrival("mlp", -1, 0, Long.MAX_VALUE);

  /** Digits behind the point; 0 for all that Python prints of a float32. */
  @Param({"6", "8", "0"})
  int digits = 6;

  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final JsonRequestReader json = new JsonRequestReader(memory, RequestLimits.DEFAULT);
  private final GrpcRequestReader grpc = new GrpcRequestReader(memory);
  private final OutputStream sink = OutputStream.nullOutputStream();
  private Lease binaryBody = memory.take(0);
  private Lease textBody = memory.take(0);
  private Lease grpcBody = memory.take(0);
  private int textLength;
  private InferResponse response =
      new InferResponse("mlp", 1, "", Map.of(), List.of(), List.of(), Timings.NONE);

  /** Makes the bodies. */
  @Setup
  public void bodies() {
    byte[] text =
        ("{\"inputs\":[{\"name\":\"input\",\"shape\":[1,64],\"datatype\":\"FP32\",\"parameters\":"
                + "{\"binary_data_size\":256}}],\"outputs\":[{\"name\":\"output\",\"parameters\":"
                + "{\"binary_data\":true}}]}")
            .getBytes(StandardCharsets.UTF_8);
    textLength = text.length;
    binaryBody = memory.copyOf(Arrays.copyOf(text, text.length + 256));
    Random random = new Random(1);
    StringBuilder picture =
        new StringBuilder(
            "{\"inputs\":[{\"name\":\"data\",\"shape\":[1,3,224,224],\"datatype\":\"FP32\",\"data\":[");
    for (int i = 0; i < NUMBERS; i++) {
      float value = random.nextFloat();
      picture.append(i == 0 ? "" : ",");
      picture.append(digits == 0 ? "" + (double) value : ("%." + digits + "f").formatted(value));
    }
    textBody = memory.copyOf(picture.append("]}]}").toString().getBytes(StandardCharsets.UTF_8));
    grpcBody =
        memory.copyOf(
            ModelInferRequest.newBuilder()
                .setModelName("mlp")
                .addInputs(
                    ModelInferRequest.InferInputTensor.newBuilder()
                        .setName("input")
                        .setDatatype("FP32")
                        .addShape(1)
                        .addShape(64))
                .addRawInputContents(ByteString.copyFrom(new byte[256]))
                .build()
                .toByteArray());
    Tensor output = new Tensor("output", DataType.FP32, Shape.of(1, 10), memory.take(40), 0, 40);
    response =
        new InferResponse(
            "mlp", 1, "", Map.of(), List.of(output), List.of(output.lease()), Timings.NONE);
  }

  /** A small request with a blob. */
  @Benchmark
  public int readHttpBlob() {
    try (InferMessage message =
        json.read(ARRIVAL, binaryBody.share(), binaryBody.size(), textLength)) {
      return message.inputs().size();
    }
  }

  /** 150,528 numbers. */
  @Benchmark
  public int readHttpNumbers() {
    try (InferMessage message = json.read(ARRIVAL, textBody.share(), textBody.size(), -1)) {
      return message.inputs().size();
    }
  }

  /** A small request over gRPC. */
  @Benchmark
  public int readGrpc() {
    try (InferMessage message = grpc.read(grpcBody.share(), 0, Long.MAX_VALUE)) {
      return message.inputs().size();
    }
  }

  /** A small answer with a blob. */
  @Benchmark
  public int writeHttpBlob() {
    JsonResponse written = JsonResponseWriter.write(response, ResponseForm.BINARY);
    int bytes = written.head().readableBytes();
    written.head().release();
    return bytes;
  }

  /** A small answer as JSON. */
  @Benchmark
  public int writeHttpNumbers() {
    JsonResponse written = JsonResponseWriter.write(response, ResponseForm.JSON);
    int bytes = written.head().readableBytes();
    written.head().release();
    return bytes;
  }

  /** A small answer over gRPC. */
  @Benchmark
  public int writeGrpc() throws IOException {
    GrpcResponse message = new GrpcResponse(response);
    message.writeTo(sink);
    return message.size();
  }
}
