package dev.nereid.gateway;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** A multipart form as a client writes it. */
final class Form {
  static final String TYPE = "multipart/form-data; boundary=----edge7";
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  Form file(String field, String fileName, byte[] content) {
    return part(
        "form-data; name=\"" + field + "\"; filename=\"" + fileName + "\"",
        "content-type: application/octet-stream\r\n",
        content);
  }

  Form field(String name, String value) {
    return part("form-data; name=\"" + name + "\"", "", value.getBytes(StandardCharsets.UTF_8));
  }

  byte[] bytes() {
    write("------edge7--\r\n");
    return out.toByteArray();
  }

  /** Sends the lines of a head. */
  static void send(OutputStream out, String... lines) throws IOException {
    out.write((String.join("\r\n", lines) + "\r\n").getBytes(StandardCharsets.US_ASCII));
  }

  private Form part(String disposition, String headers, byte[] content) {
    write("------edge7\r\ncontent-disposition: " + disposition + "\r\n" + headers + "\r\n");
    out.writeBytes(content);
    write("\r\n");
    return this;
  }

  private void write(String text) {
    out.writeBytes(text.getBytes(StandardCharsets.UTF_8));
  }
}
