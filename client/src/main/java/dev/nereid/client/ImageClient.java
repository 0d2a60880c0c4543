package dev.nereid.client;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Posts pictures to REST image routes such as {@code /detect} and {@code /predict/NAME}; answers
 * are their JSON. Thread-safe; nothing here blocks but {@link #close}.
 */
public final class ImageClient implements AutoCloseable {
  private static final String BOUNDARY = "nereid-7d3f1c5a9b2e4860";

  private final HttpOptions options;
  private final HttpTransport transport;
  private final AtomicInteger nextLane = new AtomicInteger();

  /** A client that connects on its first call. */
  public ImageClient(HttpOptions options, EventLoops loops) {
    this.options = options;
    this.transport = new HttpTransport(options, loops);
  }

  /**
   * Posts one encoded picture.
   *
   * @param path for instance {@code /detect}
   * @param timeout zero for none
   */
  public CompletableFuture<String> post(
      String path, ImageForm form, byte[] image, Duration timeout) {
    PendingResult<String> result =
        new PendingResult<>(reply -> reply.body().toString(StandardCharsets.UTF_8));
    return result.sentAs(
        send(encode(path, form, image), nextLane.getAndIncrement(), timeout.toNanos(), result));
  }

  /**
   * Asks what the gateway takes, for {@link PicturePreparation#within}.
   *
   * @param timeout zero for none
   */
  public CompletableFuture<PicturePreparation.Limits> limits(Duration timeout) {
    PendingResult<PicturePreparation.Limits> result =
        new PendingResult<>(
            reply -> PicturePreparation.Limits.of(reply.body().toString(StandardCharsets.UTF_8)));
    return result.sentAs(
        send(
            HttpMessages.encodeGet(options.endpoint(), "/limits"),
            nextLane.getAndIncrement(),
            timeout.toNanos(),
            result));
  }

  /** A request in bytes, for sending many times. */
  public EncodedCall encode(String path, ImageForm form, byte[] image) {
    return switch (form) {
      case RAW -> HttpMessages.encode(options.endpoint(), path, contentType(image), image);
      case MULTIPART ->
          HttpMessages.encode(
              options.endpoint(),
              path,
              "multipart/form-data; boundary=" + BOUNDARY,
              multipart(image));
      case BASE64 ->
          HttpMessages.encode(
              options.endpoint(),
              path,
              "application/json",
              ("{\"image\":\"" + Base64.getEncoder().encodeToString(image) + "\"}")
                  .getBytes(StandardCharsets.US_ASCII));
    };
  }

  /** Sends an encoded request; see {@link InferenceClient#send}. */
  public InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver) {
    return transport.send(call, lane, timeoutNanos, new HttpInferenceClient.StatusCheck(receiver));
  }

  /** Connections open now. */
  public int connections() {
    return transport.connections();
  }

  @Override
  public void close() {
    transport.close();
  }

  private static byte[] multipart(byte[] image) {
    String head =
        "--"
            + BOUNDARY
            + "\r\nContent-Disposition: form-data; name=\"image\"; filename=\"image\"\r\n"
            + "Content-Type: "
            + contentType(image)
            + "\r\n\r\n";
    String tail = "\r\n--" + BOUNDARY + "--\r\n";
    ByteArrayOutputStream body =
        new ByteArrayOutputStream(head.length() + image.length + tail.length());
    body.writeBytes(head.getBytes(StandardCharsets.US_ASCII));
    body.writeBytes(image);
    body.writeBytes(tail.getBytes(StandardCharsets.US_ASCII));
    return body.toByteArray();
  }

  /** The media type that the first bytes tell. */
  static String contentType(byte[] image) {
    int first = image.length < Integer.BYTES ? 0 : ByteBuffer.wrap(image).getInt();
    if (first >>> 8 == 0xffd8ff) {
      return "image/jpeg";
    }
    return switch (first) {
      case 0x89504e47 -> "image/png";
      case 0x52494646 -> "image/webp";
      case 0x47494638 -> "image/gif";
      case 0x49492a00, 0x4d4d002a -> "image/tiff";
      default -> first >>> 16 == 0x424d ? "image/bmp" : "application/octet-stream";
    };
  }
}
