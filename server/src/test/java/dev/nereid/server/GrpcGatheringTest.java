package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.nereid.http.RawHttp2;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferRequest.InferInputTensor;
import dev.nereid.protocol.proto.ModelInferResponse;
import io.grpc.ManagedChannel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Large messages, put together in one block whatever their frames look like. */
final class GrpcGatheringTest {
  private static final String PATH = "/inference.GRPCInferenceService/ModelInfer";
  private static final int PREFIX = 5;
  private static final int WINDOW_UPDATE = 8;
  private static final int RESET = 3;
  private static final int PICTURE = 602_112;

  private final Random random = new Random(20261121);
  private RunningServer server;

  @BeforeEach
  void start() {
    server = new RunningServer();
  }

  @AfterEach
  void stop() {
    RunningServer.await("what was declared", () -> server.grpc.gathering().declared() == 0);
    server.close();
  }

  @Test
  void largeMessagesOfManyCallsAreHandedOverWhole() throws Exception {
    ManagedChannel channel = server.channel();
    try {
      // gRPC takes a connection's first read before its frames can be seen.
      GRPCInferenceServiceGrpc.newBlockingStub(channel).modelInfer(echo(16));
      var stub = GRPCInferenceServiceGrpc.newFutureStub(channel);
      var requests = random.ints(8, 70_000, PICTURE).mapToObj(this::echo).toList();
      var answers = requests.stream().map(stub::modelInfer).toList();
      for (int i = 0; i < requests.size(); i++) {
        requireSame(answers.get(i).get(20, TimeUnit.SECONDS), requests.get(i));
      }
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
    assertThat(server.grpc.gathering().handedOver()).isEqualTo(8);
  }

  @Test
  void smallOnesHugeOnesAndPackedOnesAreLeftToGrpc() throws Exception {
    ManagedChannel channel = server.channel();
    try {
      var stub =
          GRPCInferenceServiceGrpc.newBlockingStub(channel).withMaxInboundMessageSize(64 << 20);
      for (int bytes : new int[] {16, 65_000, 9 << 20}) {
        requireSame(stub.modelInfer(echo(bytes)), echoed());
      }
      requireSame(stub.withCompression("gzip").modelInfer(echo(PICTURE)), echoed());
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
    assertThat(server.grpc.gathering().handedOver()).isZero();
  }

  @Test
  void framesMayEndAnywhere() throws Exception {
    byte[] message = framed(echo(100_000).toByteArray());
    requireEcho(message, PREFIX, 1, 16_384, 0, 50); // the prefix alone: left to gRPC
    assertThat(server.grpc.gathering().handedOver()).isZero();
    requireEcho(message, PREFIX + 1, 1, 0, 16_384, 100);
    assertThat(server.grpc.gathering().handedOver()).isEqualTo(1);
    requireEcho(message, 16_384);
    assertThat(server.grpc.gathering().handedOver()).isEqualTo(2);
    requireEcho(message, 3, 16_384); // half a prefix
    assertThat(server.grpc.gathering().handedOver()).isEqualTo(2);
  }

  @Test
  void twoMessagesInOneCallAreRefusedAsEver() throws Exception {
    byte[] message = framed(echo(70_000).toByteArray());
    byte[] twice = Arrays.copyOf(message, 2 * message.length);
    System.arraycopy(message, 0, twice, message.length, message.length);
    try (RawHttp2 client = RawHttp2.begun(server.grpc.port())) {
      send(client, 1, twice, true, 16_384);
      RawHttp2.Frame frame = client.next();
      while (!frame.ends() && frame.type() != RESET) {
        frame = client.next();
      }
    }
  }

  @Test
  void whatNeverBecomesWholeIsGivenBack() throws Exception {
    byte[] message = framed(echo(PICTURE).toByteArray());
    byte[] half = Arrays.copyOf(message, message.length / 2);
    try (RawHttp2 client = RawHttp2.begun(server.grpc.port())) {
      send(client, 1, half, false, 16_384);
      RunningServer.await("it has come", () -> server.grpc.gathering().declared() > PICTURE);
      client.frame(RESET, 0, 1, new byte[] {0, 0, 0, 8});
      RunningServer.await("it is gone", () -> server.grpc.gathering().declared() == 0);
      send(client, 3, half, false, 16_384);
      RunningServer.await("another has", () -> server.grpc.gathering().declared() > PICTURE);
      send(client, 5, half, true, 16_384); // ends too early
    }
    RunningServer.await("leases", () -> server.engine.memory.openLeases() == 0);
  }

  @Test
  void whatIsDeclaredAtOnceIsLimited() throws Exception {
    try (RunningServer small = new RunningServer(new GrpcOptions.Limits(8 << 20, 100, 1 << 20))) {
      byte[] beginning = Arrays.copyOf(framed(echo(PICTURE).toByteArray()), 1_000);
      try (RawHttp2 client = RawHttp2.begun(small.grpc.port())) {
        for (int stream = 1; stream < 20; stream += 2) {
          send(client, stream, beginning, false, 1_000);
        }
        RunningServer.await("all", () -> small.grpc.openCalls() == 10);
        RunningServer.await("one of them", () -> small.engine.memory.openLeases() == 1);
        assertThat(small.grpc.gathering().declared()).isBetween((long) PICTURE, 1L << 20);
      }
      RunningServer.await("nothing", () -> small.grpc.gathering().declared() == 0);
    }
  }

  private byte[] contents = new byte[0];

  private ModelInferRequest echo(int bytes) {
    contents = new byte[bytes];
    random.nextBytes(contents);
    return ModelInferRequest.newBuilder()
        .setModelName("echo")
        .addInputs(InferInputTensor.newBuilder().setName("X").setDatatype("UINT8").addShape(bytes))
        .addRawInputContents(ByteString.copyFrom(contents))
        .build();
  }

  private ModelInferRequest echoed() {
    return ModelInferRequest.newBuilder()
        .addRawInputContents(ByteString.copyFrom(contents))
        .build();
  }

  private static void requireSame(ModelInferResponse answer, ModelInferRequest request) {
    assertThat(answer.getRawOutputContentsList()).isEqualTo(request.getRawInputContentsList());
  }

  private static byte[] framed(byte[] message) {
    return ByteBuffer.allocate(PREFIX + message.length)
        .put((byte) 0)
        .putInt(message.length)
        .put(message)
        .array();
  }

  /** Sends a message in frames of these lengths, the last of them again and again. */
  private void requireEcho(byte[] message, int... lengths) throws Exception {
    try (RawHttp2 client = RawHttp2.begun(server.grpc.port())) {
      byte[] room = ByteBuffer.allocate(4).putInt(1 << 24).array();
      client.frame(WINDOW_UPDATE, 0, 0, room);
      send(client, 1, message, true, lengths);
      client.frame(WINDOW_UPDATE, 0, 1, room);
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      for (RawHttp2.Frame frame = client.next(); !frame.ends(); frame = client.next()) {
        if (frame.type() == RawHttp2.DATA) {
          answer.writeBytes(frame.payload());
        }
      }
      byte[] body = Arrays.copyOfRange(answer.toByteArray(), PREFIX, answer.size());
      requireSame(ModelInferResponse.parseFrom(body), echoed());
    }
  }

  private static void send(
      RawHttp2 client, int stream, byte[] message, boolean whole, int... lengths)
      throws IOException {
    client.head(stream, "POST", PATH, false, "content-type", "application/grpc", "te", "trailers");
    int sent = 0;
    for (int i = 0; sent < message.length; i++) {
      int length = Math.min(lengths[Math.min(i, lengths.length - 1)], message.length - sent);
      byte[] part = Arrays.copyOfRange(message, sent, sent + length);
      sent += length;
      boolean last = whole && sent == message.length;
      client.frame(RawHttp2.DATA, last ? RawHttp2.END_STREAM : 0, stream, part);
    }
  }
}
