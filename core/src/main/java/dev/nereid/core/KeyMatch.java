package dev.nereid.core;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;

/**
 * Tells whether a private key is that of a certificate, before TLS is begun with both. Stateless.
 */
public final class KeyMatch {
  private KeyMatch() {}

  /**
   * Whether what the one key signs, the other verifies.
   *
   * @throws GeneralSecurityException when the keys are of different kinds, or of one unknown here
   */
  public static boolean isPair(PrivateKey secret, PublicKey known) throws GeneralSecurityException {
    String algorithm =
        switch (known.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> known.getAlgorithm();
        };
    byte[] text = known.getEncoded();
    Signature signer = Signature.getInstance(algorithm);
    signer.initSign(secret);
    signer.update(text);
    byte[] signature = signer.sign();
    signer.initVerify(known);
    signer.update(text);
    return signer.verify(signature);
  }
}
