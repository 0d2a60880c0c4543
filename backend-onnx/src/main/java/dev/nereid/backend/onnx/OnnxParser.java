package dev.nereid.backend.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import dev.nereid.backend.onnx.OnnxFile.Value;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads inputs, outputs and metadata out of an ONNX file, a protobuf message, and skips the rest,
 * above all weights: opening a session for that would load the model twice. Used once per file.
 */
final class OnnxParser {
  private final List<Value> inputs = new ArrayList<>();
  private final List<Value> outputs = new ArrayList<>();
  private final Set<String> initialized = new HashSet<>();
  private final Map<String, String> metadata = new HashMap<>();
  private String producer = "";
  private boolean hasGraph;

  private OnnxParser() {}

  /** Takes a field of a message, or leaves it to be skipped. */
  private interface Fields {
    boolean take(int number, CodedInputStream in) throws IOException;
  }

  static OnnxFile parse(Path file) {
    OnnxParser parser = new OnnxParser();
    try (InputStream stream = new BufferedInputStream(Files.newInputStream(file))) {
      CodedInputStream in = CodedInputStream.newInstance(stream);
      in.setSizeLimit(Integer.MAX_VALUE);
      fields(in, parser::model);
    } catch (NoSuchFileException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with("file '" + file + "': missing (expected: an ONNX model)"), e);
    } catch (IOException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with(
              "file '" + file + "': " + e.getMessage() + " (expected: an ONNX model)"),
          e);
    }
    if (!parser.hasGraph) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT, "file '" + file + "': no graph (expected: an ONNX model)");
    }
    parser.inputs.removeIf(input -> parser.initialized.contains(input.name()));
    return new OnnxFile(parser.producer, parser.inputs, parser.outputs, parser.metadata);
  }

  private static void fields(CodedInputStream in, Fields fields) throws IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (!fields.take(WireFormat.getTagFieldNumber(tag), in)) {
        in.skipField(tag);
      }
    }
  }

  private static boolean message(CodedInputStream in, Fields fields) throws IOException {
    int outer = in.pushLimit(in.readRawVarint32());
    fields(in, fields);
    in.checkLastTagWas(0);
    if (in.getBytesUntilLimit() > 0) {
      throw new EOFException("cut off at byte " + in.getTotalBytesRead());
    }
    in.popLimit(outer);
    return true;
  }

  private boolean model(int number, CodedInputStream in) throws IOException {
    return switch (number) {
      case 2 -> {
        producer = in.readString();
        yield true;
      }
      case 7 -> {
        hasGraph = true;
        yield message(in, this::graph);
      }
      case 14 -> {
        String[] entry = {"", ""};
        message(in, (n, part) -> text(n, part, entry));
        metadata.put(entry[0], entry[1]);
        yield true;
      }
      default -> false;
    };
  }

  private static boolean text(int number, CodedInputStream in, String[] texts) throws IOException {
    if (number < 1 || number > texts.length) {
      return false;
    }
    texts[number - 1] = in.readString();
    return true;
  }

  private boolean graph(int number, CodedInputStream in) throws IOException {
    return switch (number) {
      case 5 -> message(in, this::initializer);
      case 11 -> inputs.add(value(in));
      case 12 -> outputs.add(value(in));
      default -> false;
    };
  }

  private boolean initializer(int number, CodedInputStream in) throws IOException {
    if (number != 8) {
      return false;
    }
    initialized.add(in.readString());
    return true;
  }

  /** The parts of a value while it is read. */
  private static final class Draft {
    String name = "";
    @Nullable DataType type;
    boolean shaped;
    final List<Long> dims = new ArrayList<>();
    final List<String> symbols = new ArrayList<>();
  }

  private static Value value(CodedInputStream in) throws IOException {
    Draft draft = new Draft();
    message(in, (number, part) -> info(number, part, draft));
    return new Value(
        draft.name, draft.type, draft.shaped ? Shape.of(draft.dims) : null, draft.symbols);
  }

  private static boolean info(int number, CodedInputStream in, Draft draft) throws IOException {
    if (number == 1) {
      draft.name = in.readString();
      return true;
    }
    return number == 2
        && message(in, (n, type) -> n == 1 && message(type, (m, part) -> tensor(m, part, draft)));
  }

  private static boolean tensor(int number, CodedInputStream in, Draft draft) throws IOException {
    return switch (number) {
      case 1 -> {
        draft.type = ElementTypes.ofNumber(in.readInt32());
        yield true;
      }
      case 2 -> {
        draft.shaped = true;
        yield message(in, (n, shape) -> n == 1 && dimension(shape, draft));
      }
      default -> false;
    };
  }

  private static boolean dimension(CodedInputStream in, Draft draft) throws IOException {
    int index = draft.dims.size();
    draft.dims.add(-1L);
    draft.symbols.add("");
    return message(
        in,
        (number, dim) ->
            switch (number) {
              case 1 -> {
                draft.dims.set(index, Math.max(-1, dim.readInt64()));
                yield true;
              }
              case 2 -> {
                draft.symbols.set(index, dim.readString());
                yield true;
              }
              default -> false;
            });
  }
}
