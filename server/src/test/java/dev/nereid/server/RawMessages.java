package dev.nereid.server;

import com.google.protobuf.ByteString;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** Messages of gRPC as bytes, whatever they are. */
final class RawMessages implements MethodDescriptor.Marshaller<byte[]> {
  @Override
  public InputStream stream(byte[] value) {
    return new ByteArrayInputStream(value);
  }

  @Override
  public byte[] parse(InputStream stream) {
    try {
      return ByteString.readFrom(stream).toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
