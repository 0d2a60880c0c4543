package dev.nereid.gateway;

import dev.nereid.core.InferRequest;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;

/**
 * Makes the keys under which results are kept. Into SHA-256 goes, each with its length before it,
 * what a result depends on: the pictures' bytes, the model and version asked for, what answers it,
 * the parameters by name, and the outputs. Not in it: the request's id, priority and deadline.
 *
 * <p>Why SHA-256 and nothing quicker: docs/decisions/0018-result-cache.md.
 */
final class ResultDigest {
  private final MessageDigest digest = sha256();
  private final ByteBuffer number = ByteBuffer.allocate(Long.BYTES);

  private ResultDigest() {}

  /**
   * The key of a request.
   *
   * @param answering what answers it: other answerers, other keys
   */
  static ResultKey of(InferRequest request, List<String> answering) {
    ResultDigest words = new ResultDigest();
    InferRequest.Call call = request.call();
    words.put(call.model());
    words.put(call.version());
    words.put(answering.size());
    answering.forEach(words::put);
    words.put(request.inputs().size());
    request.inputs().forEach(words::put);
    words.put(call.parameters().size());
    call.parameters().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(
            parameter -> {
              words.put(parameter.getKey());
              words.put(parameter.getValue().getClass().getName());
              words.put(parameter.getValue().toString());
            });
    List<String> outputs = call.outputs().stream().map(RequestedOutput::name).sorted().toList();
    words.put(outputs.size());
    outputs.forEach(words::put);
    ByteBuffer bits = ByteBuffer.wrap(words.digest.digest());
    return new ResultKey(bits.getLong(), bits.getLong(), bits.getLong(), bits.getLong());
  }

  private void put(Tensor tensor) {
    put(tensor.name());
    put(tensor.type().name());
    put(tensor.shape().toString());
    put(tensor.length());
    digest.update(tensor.bytes());
  }

  private void put(long value) {
    digest.update(number.clear().putLong(value).flip());
  }

  private void put(String text) {
    put(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      digest.update((byte) (c >> 8));
      digest.update((byte) c);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256: not there (expected: in every JVM)", e);
    }
  }
}
