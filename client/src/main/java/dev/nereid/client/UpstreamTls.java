package dev.nereid.client;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * TLS of channels. Its files are PEM, and are read again when they change.
 *
 * @param roots who may sign the certificates of servers; null for those that the system trusts
 * @param certificate shown to servers that ask for one, the client's own first; null for none
 * @param key of that certificate, PKCS #8, unencrypted; null without one
 * @param serverName that a server's certificate must be for; null for the one that is connected to
 */
public record UpstreamTls(
    @Nullable Path roots,
    @Nullable Path certificate,
    @Nullable Path key,
    @Nullable String serverName) {
  /** What the system trusts, and nothing to show. */
  public static final UpstreamTls DEFAULT = new UpstreamTls(null, null, null, null);

  public UpstreamTls {
    if (certificate != null && key == null) {
      throw new IllegalArgumentException(
          "upstream-client-key: none (expected: a PEM file, beside the certificate)");
    }
    if (certificate == null && key != null) {
      throw new IllegalArgumentException(
          "upstream-client-cert: none (expected: a PEM file, beside the key)");
    }
  }
}
