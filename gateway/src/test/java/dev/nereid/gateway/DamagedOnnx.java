package dev.nereid.gateway;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Changes the weights of ONNX files a little, as a bad export or a bit rot does. */
final class DamagedOnnx {
  private static final int GRAPH = 7;
  private static final int INITIALIZER = 5;
  private static final int DATA_TYPE = 2;
  private static final int FLOAT = 1;
  private static final int RAW_DATA = 9;

  private final ByteBuffer file;
  private final float factor;
  private boolean isFloat;
  private int changed;

  private DamagedOnnx(byte[] onnx, float factor) {
    file = ByteBuffer.wrap(onnx.clone()).order(ByteOrder.LITTLE_ENDIAN);
    this.factor = factor;
  }

  /** The same network with every weight multiplied by a factor. */
  static byte[] scaled(byte[] onnx, float factor) throws IOException {
    DamagedOnnx damaged = new DamagedOnnx(onnx, factor);
    damaged.message(0, onnx.length, GRAPH, INITIALIZER);
    if (damaged.changed == 0) {
      throw new IOException("onnx: no weights found");
    }
    return damaged.file.array();
  }

  /** Goes down the path of fields; below its end lie tensors. */
  private void message(int start, int length, int... path) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(file.array(), start, length);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int field = WireFormat.getTagFieldNumber(tag);
      int wanted = path.length == 0 ? RAW_DATA : path[0];
      if (path.length == 0 && field == DATA_TYPE) {
        isFloat = in.readInt32() == FLOAT; // stands before the data
        continue;
      }
      if (field != wanted
          || WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
        in.skipField(tag);
        continue;
      }
      int size = in.readRawVarint32();
      int at = start + in.getTotalBytesRead();
      if (path.length > 0) {
        message(at, size, java.util.Arrays.copyOfRange(path, 1, path.length));
      } else if (isFloat) {
        scale(at, size);
      }
      in.skipRawBytes(size);
    }
  }

  /** What is not in the range of weights is something else: shapes, indices. */
  private void scale(int at, int size) {
    for (int i = at; i + Float.BYTES <= at + size; i += Float.BYTES) {
      float value = file.getFloat(i);
      if (Float.isFinite(value) && Math.abs(value) > 1e-20 && Math.abs(value) < 100) {
        file.putFloat(i, value * factor);
        changed++;
      }
    }
  }
}
