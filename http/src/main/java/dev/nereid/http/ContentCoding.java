package dev.nereid.http;

import java.util.EnumMap;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How a body is packed on its way. */
public enum ContentCoding {
  IDENTITY,
  GZIP,
  DEFLATE;

  /** The name in {@code Content-Encoding}. */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The coding of that {@code Content-Encoding}, IDENTITY when there is none, null if unknown. */
  public static @Nullable ContentCoding of(@Nullable String contentEncoding) {
    if (contentEncoding == null) {
      return IDENTITY;
    }
    return switch (contentEncoding.strip().toLowerCase(Locale.ROOT)) {
      case "", "identity" -> IDENTITY;
      case "gzip", "x-gzip" -> GZIP;
      case "deflate" -> DEFLATE;
      default -> null;
    };
  }

  /**
   * The coding a client likes best: the one with the highest q-value in its {@code
   * Accept-Encoding}; among equals gzip, then deflate. IDENTITY when it names none of the two.
   */
  public static ContentCoding preferred(@Nullable String acceptEncoding) {
    if (acceptEncoding == null || acceptEncoding.isEmpty()) {
      return IDENTITY;
    }
    EnumMap<ContentCoding, Double> quality = new EnumMap<>(ContentCoding.class);
    double others = 0;
    for (String item : acceptEncoding.split(",", -1)) {
      String[] fields = item.split(";", 2);
      double q = fields.length == 1 ? 1 : quality(fields[1]);
      if (fields[0].strip().equals("*")) {
        others = q;
      } else {
        ContentCoding known = fields[0].isBlank() ? null : of(fields[0]);
        if (known != null) {
          quality.put(known, q);
        }
      }
    }
    double gzip = quality.getOrDefault(GZIP, others);
    double deflate = quality.getOrDefault(DEFLATE, others);
    double identity = quality.getOrDefault(IDENTITY, 0.0);
    if (gzip > 0 && gzip >= deflate && gzip >= identity) {
      return GZIP;
    }
    return deflate > 0 && deflate >= identity ? DEFLATE : IDENTITY;
  }

  private static double quality(String parameter) {
    int equals = parameter.indexOf('=');
    try {
      double q = equals < 0 ? 0 : Double.parseDouble(parameter.substring(equals + 1).strip());
      return q >= 0 && q <= 1 ? q : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
