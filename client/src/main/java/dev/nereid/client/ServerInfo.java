package dev.nereid.client;

import java.util.List;

/** What a server says of itself. */
public record ServerInfo(String name, String version, List<String> extensions) {
  public ServerInfo {
    extensions = List.copyOf(extensions);
  }
}
