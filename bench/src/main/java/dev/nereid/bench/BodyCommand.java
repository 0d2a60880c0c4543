package dev.nereid.bench;

import dev.nereid.client.EncodedCall;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.InferenceClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Writes a request that other load tools can send: for gRPC a framed message for h2load's {@code
 * -d}, for HTTP the body and a script for wrk beside it.
 */
@Command(
    name = "body",
    mixinStandardHelpOptions = true,
    description = "Writes a request's body for h2load (grpc) or wrk (http, http-json).")
final class BodyCommand implements Callable<Integer> {
  private static final int GRPC_PREFIX = 5;

  @Mixin private final TargetOptions target = new TargetOptions();

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "FILE",
      description = "The body; wrk's script goes to FILE.lua.")
  private @Nullable Path out;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Decides the data (default ${DEFAULT-VALUE}).")
  private long seed;

  @Override
  public Integer call() throws IOException {
    Path file = out;
    Protocol protocol = target.protocol();
    if (file == null || protocol == Protocol.IMAGE || protocol == Protocol.TEMPLATE) {
      throw new IllegalArgumentException(
          "--protocol: " + protocol.label() + " (expected: grpc, http or http-json)");
    }
    try (var loops = EventLoops.of(1);
        InferenceClient client = client(loops)) {
      EncodedCall call = client.encode(target.calls(client, seed).getFirst());
      if (target.protocol() == Protocol.GRPC) {
        Files.write(file, framed(call.toByteArray()));
      } else {
        writeForWrk(file, call.toByteArray());
      }
    }
    return 0;
  }

  private InferenceClient client(EventLoops loops) {
    if (target.protocol() == Protocol.GRPC) {
      return new GrpcInferenceClient(target.grpc(), loops);
    }
    HttpOptions options = target.http();
    return new HttpInferenceClient(
        target.protocol() == Protocol.HTTP_JSON ? options.withJson() : options, loops);
  }

  /** A gRPC message in its frame: not compressed, length, bytes. */
  static byte[] framed(byte[] message) {
    return ByteBuffer.allocate(GRPC_PREFIX + message.length)
        .put((byte) 0)
        .putInt(message.length)
        .put(message)
        .array();
  }

  private static void writeForWrk(Path file, byte[] request) throws IOException {
    String text = new String(request, StandardCharsets.ISO_8859_1);
    int end = text.indexOf("\r\n\r\n");
    List<String> head = text.substring(0, end).lines().toList();
    Files.write(file, text.substring(end + 4).getBytes(StandardCharsets.ISO_8859_1));
    StringBuilder script = new StringBuilder("wrk.method = \"POST\"\n");
    script.append("wrk.path = \"").append(head.getFirst().split(" ", -1)[1]).append("\"\n");
    for (String header : head.subList(1, head.size())) {
      String name = header.substring(0, header.indexOf(':'));
      if (!name.equals("Host") && !name.equals("Content-Length")) {
        script
            .append("wrk.headers[\"")
            .append(name)
            .append("\"] = \"")
            .append(header.substring(name.length() + 2))
            .append("\"\n");
      }
    }
    script.append("local file = io.open(\"").append(file.toAbsolutePath()).append("\", \"rb\")\n");
    script.append("wrk.body = file:read(\"*a\")\nfile:close()\n");
    Files.writeString(Path.of(file + ".lua"), script);
  }
}
