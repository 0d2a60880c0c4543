package dev.nereid.app;

import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.core.Shape;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/** Damaged and hostile inputs, and what each is answered with. */
final class HostileCases {
  /** What the program under test allows for a body. */
  static final int BODY_BYTES = 1 << 20;

  private static final int NESTED = 100_000;
  private static final String JPEG = "image/jpeg";
  private static final String PNG = "image/png";
  private static final String JSON = "application/json";
  private static final String FORM = "multipart/form-data; boundary=b";

  private static final byte[] SCENE = RunningProgram.sample("scene.jpg");

  private HostileCases() {}

  /** An input and its answer; {@code status} is a number over HTTP and a name over gRPC. */
  sealed interface Case {
    String name();

    String status();
  }

  /** A request whose HTTP is right. */
  @SuppressWarnings("ArrayRecordComponent") // read only, never compared
  record Posted(
      String name, Door door, String path, Map<String, String> headers, byte[] body, String status)
      implements Case {
    @Override
    public String toString() {
      return door + " " + name;
    }
  }

  /** Bytes sent as they are. */
  @SuppressWarnings("ArrayRecordComponent") // read only, never compared
  record Wire(String name, Door door, byte[] bytes, String status) implements Case {
    @Override
    public String toString() {
      return "wire to " + door + " " + name;
    }
  }

  /** A call over gRPC. */
  record Called(String name, InferCall call, String status) implements Case {
    @Override
    public String toString() {
      return "gRPC " + name;
    }
  }

  /** A listener that speaks HTTP. */
  enum Door {
    GATEWAY,
    V2
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>(pictures());
    cases.addAll(uploads());
    cases.addAll(tensors());
    cases.addAll(wires());
    cases.addAll(calls());
    return cases;
  }

  private static List<Case> pictures() {
    return List.of(
        detect("half a JPEG", JPEG, half(SCENE), 422),
        detect("100 bytes of a JPEG", JPEG, Arrays.copyOf(SCENE, 100), 422),
        detect("two bytes of a JPEG", JPEG, Arrays.copyOf(SCENE, 2), 415),
        detect("a JPEG of 65535x65535", JPEG, hugeJpeg(), 413),
        detect("a PNG of 60000x60000", PNG, png(60_000, 60_000, 10), 413),
        detect("a PNG of 16000x16000", PNG, png(16_000, 16_000, 10), 413),
        detect("a PNG without pixels", PNG, png(0, 0, 10), 422),
        detect("a PNG whose data are none", PNG, png(100, 100, 10), 422),
        detect("a PNG chunk beyond the end", PNG, half(png(100, 100, 1000)), 422),
        detect("half a PNG", PNG, half(RunningProgram.sample("alpha.png")), 422),
        detect("half a WebP", "image/webp", half(RunningProgram.sample("scene.webp")), 422),
        detect("text that says it is a JPEG", JPEG, utf8("no picture at all"), 415),
        detect("nothing", JPEG, new byte[0], 400));
  }

  private static List<Case> uploads() {
    return List.of(
        detect("half a JSON text", JSON, utf8("{\"image\":\"AAAA"), 400),
        detect("JSON without a picture", JSON, utf8("{}"), 400),
        detect("a number for a picture", JSON, utf8("{\"image\":7}"), 400),
        detect("no base64", JSON, utf8("{\"image\":\"%%%%\"}"), 400),
        detect("deep JSON", JSON, utf8("{\"a\":" + "[".repeat(NESTED)), 400),
        detect("deep JSON in place", JSON, utf8("[".repeat(NESTED)), 400),
        detect("a form without a boundary", "multipart/form-data", utf8("--b"), 400),
        detect("a form that does not end", FORM, utf8(part()), 400),
        detect("a form without a picture", FORM, utf8("--b--\r\n"), 400),
        detect("text", "text/plain", utf8("hello"), 415),
        detect("too large a body", JPEG, new byte[BODY_BYTES + 1], 413),
        gateway("a packed picture", "/detect", Map.of("content-encoding", "gzip"), SCENE, 415),
        gateway("no such model", "/predict/nothing", Map.of("content-type", JPEG), SCENE, 404),
        gateway("no such path", "/nothing", Map.of("content-type", JPEG), SCENE, 404),
        gateway(
            "a confidence of 2", "/detect?confidence=2", Map.of("content-type", JPEG), SCENE, 400));
  }

  private static String part() {
    return "--b\r\ncontent-disposition: form-data; name=\"image\"\r\n\r\nAAAA";
  }

  private static List<Case> tensors() {
    String simple = "/v2/models/simple/infer";
    return List.of(
        v2("half a JSON text", simple, Map.of(), "{\"inputs\":[", 400),
        v2("nothing", simple, Map.of(), "", 400),
        v2("deep JSON", simple, Map.of(), "{\"inputs\":" + "[".repeat(NESTED), 400),
        v2("a length beyond the body", simple, textLength("999999"), "{\"inputs\":[]}", 400),
        v2("a length below zero", simple, textLength("-1"), "{\"inputs\":[]}", 400),
        v2("a length that is no number", simple, textLength("x"), "{\"inputs\":[]}", 400),
        v2("no inputs", simple, Map.of(), "{\"inputs\":[]}", 400),
        v2("too few values", simple, Map.of(), inputs("INT32", "[1,16]", "[1]"), 400),
        v2("text for numbers", simple, Map.of(), inputs("INT32", "[1,1]", "[\"a\"]"), 400),
        v2("another type", simple, Map.of(), inputs("FP32", "[1,1]", "[1]"), 400),
        v2("no known type", simple, Map.of(), inputs("FP99", "[1,1]", "[1]"), 400),
        v2("a shape below zero", simple, Map.of(), inputs("INT32", "[1,-16]", "[1]"), 400),
        v2("a huge shape", simple, Map.of(), inputs("INT32", huge(), "[1]"), 400),
        v2("more bytes than sent", simple, Map.of(), binary(1 << 30), 400),
        v2("bytes below zero", simple, Map.of(), binary(-1), 400),
        v2("no such model", "/v2/models/nothing/infer", Map.of(), "{\"inputs\":[]}", 404),
        v2(
            "no such version",
            "/v2/models/simple/versions/9/infer",
            Map.of(),
            "{\"inputs\":[]}",
            404),
        v2("too large a body", simple, Map.of(), " ".repeat(BODY_BYTES + 1), 400),
        v2("no gzip", simple, Map.of("content-encoding", "gzip"), "no gzip at all", 400),
        v2("unknown coding", simple, Map.of("content-encoding", "br"), "{}", 501),
        v2("no such path", "/v2/nothing", Map.of(), "{}", 404));
  }

  private static String huge() {
    return "[4294967296,4294967296]";
  }

  private static Map<String, String> textLength(String value) {
    return Map.of("Inference-Header-Content-Length", value);
  }

  private static String inputs(String type, String shape, String data) {
    return """
    {"inputs":[{"name":"INPUT0","datatype":"%1$s","shape":%2$s,"data":%3$s},
    {"name":"INPUT1","datatype":"%1$s","shape":%2$s,"data":%3$s}]}\
    """
        .formatted(type, shape, data);
  }

  private static String binary(int bytes) {
    return """
    {"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1,16],
    "parameters":{"binary_data_size":%d}}]}\
    """
        .formatted(bytes);
  }

  private static List<Case> wires() {
    String post = "POST /v2/models/simple/infer HTTP/1.1\r\nhost: a\r\n";
    String old = "POST /detect HTTP/1.0\r\ncontent-type: image/jpeg\r\n\r\n";
    String end = "connection: close\r\n\r\n";
    return List.of(
        wire("no HTTP", Door.V2, "complete nonsense\r\n\r\n", 400),
        wire(
            "two lengths", Door.V2, post + "content-length: 1\r\ncontent-length: 2\r\n\r\nab", 400),
        wire(
            "a length and chunks",
            Door.GATEWAY,
            post + "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400),
        wire("a negative length", Door.V2, post + "content-length: -5\r\n\r\n", 400),
        wire("a length without end", Door.V2, post + "content-length: 9e9\r\n\r\n", 400),
        wire("no final chunks", Door.GATEWAY, post + "transfer-encoding: gzip\r\n" + end, 400),
        wire("a coding", Door.GATEWAY, post + "transfer-encoding: gzip, chunked\r\n" + end, 501),
        wire("no length", Door.GATEWAY, old, 411),
        wire(
            "chunks that are none",
            Door.V2,
            post + "transfer-encoding: chunked\r\n\r\nzz\r\n",
            400),
        wire("huge headers", Door.V2, post + "a: " + "b".repeat(40_000) + "\r\n" + end, 431),
        wire("a huge path", Door.GATEWAY, "GET /" + "b".repeat(10_000) + " HTTP/1.1\r\n\r\n", 414));
  }

  private static List<Case> calls() {
    InferInput one = InferInput.ints("INPUT0", Shape.of(1, 16), new int[16]);
    InferInput two = InferInput.ints("INPUT1", Shape.of(1, 16), new int[16]);
    InferInput floats = InferInput.floats("INPUT1", Shape.of(1, 16), new float[16]);
    InferInput rows = InferInput.ints("INPUT1", Shape.of(2, 16), new int[32]);
    InferCall good = InferCall.of("simple", one, two);
    String wrong = "INVALID_ARGUMENT";
    return List.of(
        new Called("no such model", good.withModel("nothing"), "NOT_FOUND"),
        new Called("no such version", good.withVersion("9"), "NOT_FOUND"),
        new Called("a version that is no number", good.withVersion("x"), wrong),
        new Called("no such output", good.withOutputs("nothing"), wrong),
        new Called("an input missing", InferCall.of("simple", one), wrong),
        new Called("an input twice", InferCall.of("simple", one, one), wrong),
        new Called("another type", InferCall.of("simple", one, floats), wrong),
        new Called("rows that differ", InferCall.of("simple", one, rows), wrong),
        new Called("half a JPEG", picture(half(SCENE)), wrong),
        new Called("no picture", picture(utf8("no picture")), wrong),
        new Called("a PNG of 60000x60000", picture(png(60_000, 60_000, 10)), "RESOURCE_EXHAUSTED"),
        new Called("an element beyond its bytes", lyingElement(), wrong));
  }

  private static InferCall picture(byte[] picture) {
    return InferCall.of("detect", InferInput.blobs("image", Shape.of(1, 1), List.of(picture)));
  }

  private static InferCall lyingElement() {
    InferInput honest = InferInput.blobs("image", Shape.of(1, 1), List.of(new byte[8]));
    ByteBuffer data = honest.data();
    data.putInt(0, 1 << 30);
    return InferCall.of("detect", new InferInput("image", honest.type(), honest.shape(), data));
  }

  private static Case detect(String name, String type, byte[] body, int status) {
    return gateway(name, "/detect", Map.of("content-type", type), body, status);
  }

  private static Case gateway(
      String name, String path, Map<String, String> headers, byte[] body, int status) {
    return new Posted(name, Door.GATEWAY, path, headers, body, Integer.toString(status));
  }

  private static Case v2(
      String name, String path, Map<String, String> headers, String body, int status) {
    return new Posted(name, Door.V2, path, headers, utf8(body), Integer.toString(status));
  }

  private static Case wire(String name, Door door, String bytes, int status) {
    return new Wire(name, door, utf8(bytes), Integer.toString(status));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] half(byte[] file) {
    return Arrays.copyOf(file, file.length / 2);
  }

  /** A JPEG that says in its frame header that it is as large as the format allows. */
  private static byte[] hugeJpeg() {
    byte[] file = SCENE.clone();
    for (int at = 2; at < file.length; at += 2 + ByteBuffer.wrap(file).getChar(at + 2)) {
      int marker = file[at + 1] & 0xff;
      if (marker >= 0xc0 && marker <= 0xc2) {
        ByteBuffer.wrap(file).putInt(at + 5, -1);
        return file;
      }
    }
    throw new IllegalStateException("scene.jpg: no frame header (expected: one)");
  }

  /** A PNG of that size whose pixels are so many zero bytes, which are no packed pixels. */
  private static byte[] png(int width, int height, int dataBytes) {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
    byte[] size = {8, 2, 0, 0, 0};
    chunk(file, "IHDR", ByteBuffer.allocate(13).putInt(width).putInt(height).put(size).array());
    chunk(file, "IDAT", new byte[dataBytes]);
    chunk(file, "IEND", new byte[0]);
    return file.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream file, String type, byte[] data) {
    CRC32 sum = new CRC32();
    sum.update(utf8(type));
    sum.update(data);
    file.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
    file.writeBytes(utf8(type));
    file.writeBytes(data);
    file.writeBytes(ByteBuffer.allocate(4).putInt((int) sum.getValue()).array());
  }
}
