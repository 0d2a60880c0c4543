package dev.nereid.core;

import java.nio.ByteBuffer;

/**
 * A named tensor: a view of bytes in a lease that somebody else owns. Dense, row-major,
 * little-endian; BYTES elements carry a 4-byte length each.
 *
 * @param shape concrete: no free dimension
 * @param lease the block the bytes lie in; not owned by the tensor
 * @param offset of the first byte in the block
 * @param length in bytes
 */
public record Tensor(String name, DataType type, Shape shape, Lease lease, int offset, int length) {

  /** A view of the tensor's bytes, direct and little-endian, with a position of its own. */
  public ByteBuffer bytes() {
    return lease.bytes(offset, length);
  }

  /** The same bytes under another name. */
  public Tensor renamed(String other) {
    return other.equals(name) ? this : new Tensor(other, type, shape, lease, offset, length);
  }

  /** The same bytes in another shape of as many elements. */
  public Tensor reshaped(Shape other) {
    return new Tensor(name, type, other, lease, offset, length);
  }

  /** The same tensor in a share of one's own; the share is the caller's to close. */
  public Tensor in(Lease share) {
    return new Tensor(name, type, shape, share, offset, length);
  }

  /** Whether the other tensor's bytes follow directly after this one's in the same block. */
  public boolean isFollowedBy(Tensor next) {
    return offset + length == next.offset && lease.sameBlock(next.lease);
  }
}
