package dev.nereid.bench;

import dev.nereid.client.EncodedCall;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.HttpCaller;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.ImageClient;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferenceClient;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;

/** Opens targets as the options say. */
final class Targets {
  private static final String PER_CALL = "per-call";
  private static final int OPEN_LOOP_CONNECTIONS = 256;

  private final TargetOptions options;
  private final LoadPlan plan;
  private final int connections;

  Targets(TargetOptions options, LoadPlan plan) {
    this.options = options;
    this.plan = plan;
    this.connections = connections(options.channels, options.protocol(), plan.load().callers());
  }

  private static int connections(String channels, Protocol protocol, int callers) {
    int each = callers == 0 ? OPEN_LOOP_CONNECTIONS : callers;
    return switch (channels) {
      case "shared" -> protocol == Protocol.GRPC ? 1 : each;
      case "per-client" -> each;
      case PER_CALL -> 1;
      default -> {
        try {
          yield Integer.parseInt(channels);
        } catch (NumberFormatException e) {
          throw new IllegalArgumentException(
              "--channels: '" + channels + "' (expected: shared, per-client, per-call or a number)",
              e);
        }
      }
    };
  }

  Target open() {
    boolean v2 = options.protocol() != Protocol.IMAGE && options.protocol() != Protocol.TEMPLATE;
    if (!v2 && plan.mix().shares().stream().anyMatch(share -> share.priority() > 0)) {
      throw new IllegalArgumentException(
          "--priority: over "
              + options.protocol().label()
              + " (expected: a protocol that has priorities: grpc, http or http-json)");
    }
    int cores = Runtime.getRuntime().availableProcessors();
    int most = options.channels.equals(PER_CALL) ? cores : Math.min(connections, cores);
    EventLoops loops = EventLoops.of(options.clientThreads > 0 ? options.clientThreads : most);
    try {
      return switch (options.protocol()) {
        case GRPC, HTTP, HTTP_JSON -> tensors(loops);
        case IMAGE -> images(loops);
        case TEMPLATE -> template(loops);
      };
    } catch (RuntimeException e) {
      loops.close();
      throw e;
    }
  }

  private Target tensors(EventLoops loops) {
    InferenceClient client = client(loops);
    try {
      List<InferCall> calls = options.calls(client, plan.seed());
      return target(
          Sender.of(client),
          on -> Sender.of(client(on)),
          loops,
          share -> calls.stream().map(call -> client.encode(with(call, share))).toList(),
          variants -> new TensorCheck(client, variants));
    } catch (RuntimeException e) {
      client.close();
      throw e;
    }
  }

  private InferCall with(InferCall call, Mix.Share share) {
    InferCall timed = call.withTimeout(share.deadline());
    if (share.priority() == 0) {
      return timed;
    }
    Map<String, Object> parameters = new LinkedHashMap<>(call.parameters());
    parameters.put("priority", (long) share.priority());
    return timed.withParameters(parameters);
  }

  private InferenceClient client(EventLoops loops) {
    return options.protocol() == Protocol.GRPC
        ? new GrpcInferenceClient(options.grpc().withChannels(connections), loops)
        : new HttpInferenceClient(http(), loops);
  }

  private Target images(EventLoops loops) {
    List<byte[]> pictures = options.pictures(plan.seed());
    if (pictures.isEmpty()) {
      throw new IllegalArgumentException(
          "--images: none (expected: a folder with pictures for --protocol image)");
    }
    ImageClient client = new ImageClient(http(), loops);
    return target(
        Sender.of(client),
        on -> Sender.of(new ImageClient(http(), on)),
        loops,
        _ ->
            pictures.stream()
                .map(image -> client.encode(options.path(), options.imageForm(), image))
                .toList(),
        JsonCheck::new);
  }

  private Target template(EventLoops loops) {
    Path file = options.template;
    if (file == null) {
      throw new IllegalArgumentException("--template: none (expected: a file)");
    }
    Template template = Template.read(file);
    HttpCaller client = new HttpCaller(http(), loops);
    List<byte[]> pictures = template.wantsImages() ? options.pictures(plan.seed()) : List.of();
    return target(
        Sender.of(client),
        on -> Sender.of(new HttpCaller(http(), on)),
        loops,
        _ -> template.fill(client, options.inputs, pictures, plan.seed()),
        JsonCheck::new);
  }

  private Target target(
      Sender shared,
      Sender.Maker maker,
      EventLoops loops,
      Function<Mix.Share, List<EncodedCall>> encoder,
      IntFunction<ReplyCheck> checks) {
    Sender sender = shared;
    if (options.channels.equals(PER_CALL)) {
      shared.close();
      sender = new PerCallSender(maker, loops);
    }
    return new EncodedTarget(sender, loops, plan.mix(), encoder, checks);
  }

  private HttpOptions http() {
    return new HttpOptions(
        options.endpoint(),
        connections,
        Integer.MAX_VALUE,
        options.protocol() != Protocol.HTTP_JSON,
        options.tls());
  }
}
