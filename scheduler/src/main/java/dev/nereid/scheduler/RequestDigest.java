package dev.nereid.scheduler;

import dev.nereid.core.InferRequest;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Makes the key under which a request's answer is kept: equal keys mean equal requests.
 *
 * <p>Everything that an answer may depend on goes into SHA-256, in a form that no two different
 * requests share: which loads of which models answer, the inputs by name with type, shape and
 * bytes, the parameters, and the outputs asked for. Tensors go through {@link KeyedHash} first,
 * since SHA-256 alone would cost more than reading them from the network. Not in it: the id,
 * priority, timeouts, and how many classes an output is wanted as; they change no tensor.
 *
 * <p>Why a digest and no comparison of the inputs, and how likely a wrong hit is:
 * docs/decisions/0013-response-cache-keys.md. Thread-safe.
 */
final class RequestDigest {
  private static final Comparator<Tensor> BY_NAME = Comparator.comparing(Tensor::name);

  private final KeyedHash hash = new KeyedHash(new SecureRandom());

  /**
   * The key of a request.
   *
   * @param loads the identities of the loaded models that answer it
   * @param everyOutput what a request that names no output is answered with
   */
  CacheKey of(InferRequest request, long[] loads, List<String> everyOutput) {
    Words words = new Words();
    words.put(loads.length);
    for (long load : loads) {
      words.put(load);
    }
    inputs(words, request.inputs());
    parameters(words, request.call().parameters());
    outputs(words, request.call().outputs(), everyOutput);
    return words.key();
  }

  private void inputs(Words words, List<Tensor> inputs) {
    words.put(inputs.size());
    List<Tensor> sorted = inputs.size() < 2 ? inputs : inputs.stream().sorted(BY_NAME).toList();
    for (int i = 0; i < sorted.size(); i++) {
      Tensor tensor = sorted.get(i);
      words.put(tensor.name());
      words.put(tensor.type().name());
      Shape shape = tensor.shape();
      words.put(shape.rank());
      for (int d = 0; d < shape.rank(); d++) {
        words.put(shape.dim(d));
      }
      words.put(tensor.length());
      words.flush();
      hash.update(words.digest, tensor.bytes());
    }
  }

  private static void parameters(Words words, Map<String, Object> parameters) {
    words.put(parameters.size());
    if (!parameters.isEmpty()) {
      parameters.entrySet().stream()
          .sorted(Map.Entry.comparingByKey())
          .forEach(
              entry -> {
                words.put(entry.getKey());
                value(words, entry.getValue());
              });
    }
  }

  private static void value(Words words, Object value) {
    switch (value) {
      case Long number -> words.put(1).put(number);
      case Boolean truth -> words.put(2).put(truth ? 1 : 0);
      case Double real -> words.put(3).put(Double.doubleToRawLongBits(real));
      case String text -> words.put(4).put(text);
      default -> words.put(5).put(value.getClass().getName()).put(value.toString());
    }
  }

  private static void outputs(Words words, List<RequestedOutput> asked, List<String> everyOutput) {
    Stream<String> names =
        asked.isEmpty() ? everyOutput.stream() : asked.stream().map(RequestedOutput::name);
    List<String> sorted = names.distinct().sorted().toList();
    words.put(sorted.size());
    sorted.forEach(words::put);
  }

  /** Numbers and texts on their way into a digest. Confined to one call. */
  private static final class Words {
    final MessageDigest digest = sha256();
    private final ByteBuffer room = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);

    private static MessageDigest sha256() {
      try {
        return MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("SHA-256: not there (expected: in every JVM)", e);
      }
    }

    Words put(long word) {
      if (room.remaining() < Long.BYTES) {
        flush();
      }
      room.putLong(word);
      return this;
    }

    /** As UTF-16, in which a text that is no proper Unicode has a form of its own too. */
    Words put(String text) {
      put(text.length());
      for (int i = 0; i < text.length(); i++) {
        if (room.remaining() < Character.BYTES) {
          flush();
        }
        room.putChar(text.charAt(i));
      }
      return this;
    }

    void flush() {
      digest.update(room.flip());
      room.clear();
    }

    CacheKey key() {
      flush();
      ByteBuffer bits = ByteBuffer.wrap(digest.digest());
      return new CacheKey(bits.getLong(), bits.getLong(), bits.getLong(), bits.getLong());
    }
  }
}
