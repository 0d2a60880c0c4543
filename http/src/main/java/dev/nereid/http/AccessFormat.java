package dev.nereid.http;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;

/** Writes access lines as text. Used by one thread. */
final class AccessFormat {
  private static final DateTimeFormatter SECOND =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss").withZone(ZoneOffset.UTC);
  private static final int REMEMBERED_CLIENTS = 4096;
  private static final int LONGEST_PATH = 512;
  private static final int LONGEST_ID = 128;

  private final boolean json;
  private final String listener;
  private final Map<SocketAddress, String> clients = new HashMap<>();
  private long second = -1;
  private String secondText = "";

  AccessFormat(boolean json, String listener) {
    this.json = json;
    this.listener = listener;
  }

  /** Appends one line with its end. */
  void append(StringBuilder out, AccessLine line) {
    if (json) {
      appendJson(out, line);
    } else {
      appendText(out, line);
    }
  }

  private void appendText(StringBuilder out, AccessLine line) {
    appendTime(out, line.millis());
    out.append(' ').append(listener).append(' ').append(client(line.client())).append(' ');
    JsonText.escape(line.method(), out);
    out.append(' ');
    JsonText.escape(cut(line.path(), LONGEST_PATH), out);
    out.append(' ').append(line.status()).append(' ').append(line.bytes()).append(' ');
    appendMillis(out, line.nanos());
    out.append("ms ");
    if (line.id().isEmpty()) {
      out.append('-');
    } else {
      JsonText.escape(cut(line.id(), LONGEST_ID), out);
    }
    out.append('\n');
  }

  private void appendJson(StringBuilder out, AccessLine line) {
    out.append("{\"time\":\"");
    appendTime(out, line.millis());
    out.append("\",\"listener\":\"").append(listener);
    out.append("\",\"client\":\"").append(client(line.client()));
    out.append("\",\"method\":\"");
    JsonText.escape(line.method(), out);
    out.append("\",\"path\":\"");
    JsonText.escape(cut(line.path(), LONGEST_PATH), out);
    out.append("\",\"status\":").append(line.status());
    out.append(",\"bytes_in\":").append(line.bytesIn());
    out.append(",\"bytes\":").append(line.bytes()).append(",\"ms\":");
    appendMillis(out, line.nanos());
    if (!line.id().isEmpty()) {
      out.append(",\"id\":\"");
      JsonText.escape(cut(line.id(), LONGEST_ID), out);
      out.append('"');
    }
    out.append("}\n");
  }

  private void appendTime(StringBuilder out, long millis) {
    long now = Math.floorDiv(millis, 1000L);
    if (now != second) {
      second = now;
      secondText = SECOND.format(Instant.ofEpochSecond(now));
    }
    out.append(secondText).append('.');
    appendThreeDigits(out, (int) Math.floorMod(millis, 1000L));
    out.append('Z');
  }

  private static void appendMillis(StringBuilder out, long nanos) {
    long micros = nanos / 1000;
    out.append(micros / 1000).append('.');
    appendThreeDigits(out, (int) (micros % 1000));
  }

  private static void appendThreeDigits(StringBuilder out, int value) {
    out.append((char) ('0' + value / 100))
        .append((char) ('0' + value / 10 % 10))
        .append((char) ('0' + value % 10));
  }

  private String client(SocketAddress address) {
    if (clients.size() >= REMEMBERED_CLIENTS) {
      clients.clear();
    }
    return clients.computeIfAbsent(address, AccessFormat::addressText);
  }

  private static String addressText(SocketAddress address) {
    if (address instanceof InetSocketAddress inet && inet.getAddress() != null) {
      return inet.getAddress().getHostAddress() + ":" + inet.getPort();
    }
    return "-";
  }

  private static String cut(String text, int longest) {
    return text.length() <= longest ? text : text.substring(0, longest) + "...";
  }
}
