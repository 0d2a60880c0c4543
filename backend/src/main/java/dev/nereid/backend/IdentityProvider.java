package dev.nereid.backend;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The back end {@code identity}: every input comes back as an output, of any type, without a copy.
 * {@code INPUTk} becomes {@code OUTPUTk}; other names are paired by their order in the
 * configuration.
 */
public final class IdentityProvider implements BackendProvider {
  @Override
  public String name() {
    return "identity";
  }

  @Override
  public Model open(ModelContext context) {
    List<Pair> pairs = pairs(context.config());
    return new Model() {
      @Override
      public Instance newInstance(Placement placement) {
        return batch -> echo(batch, pairs);
      }

      @Override
      public void close() {}
    };
  }

  /** An output and the input it comes from. */
  record Pair(String input, String output, boolean optional) {}

  static List<Pair> pairs(ModelConfig config) {
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < Math.min(config.getInputCount(), config.getOutputCount()); i++) {
      String output = config.getOutput(i).getName();
      String namesake = output.replaceFirst("^OUTPUT", "INPUT");
      ModelInput input =
          config.getInputList().stream()
              .filter(candidate -> candidate.getName().equals(namesake))
              .findFirst()
              .orElse(config.getInput(i));
      pairs.add(new Pair(input.getName(), output, input.getOptional()));
    }
    return List.copyOf(pairs);
  }

  /** Answers every request of the batch with its own inputs; an absent optional one is left out. */
  static void echo(Batch batch, List<Pair> pairs) {
    batch.computeStarts();
    for (int i = 0; i < batch.requests().size(); i++) {
      try {
        echo(batch, i, pairs);
      } catch (FaultException e) {
        batch.fail(i, e.failure());
      }
    }
    batch.computeEnds();
  }

  private static void echo(Batch batch, int request, List<Pair> pairs) {
    List<Tensor> inputs = new ArrayList<>(pairs.size());
    for (Pair pair : pairs) {
      boolean absent = batch.requests().get(request).input(pair.input()) == null;
      if (!absent || !pair.optional()) {
        inputs.add(batch.required(request, pair.input()).renamed(pair.output()));
      }
    }
    List<Lease> leases = new ArrayList<>(inputs.size());
    for (int i = 0; i < inputs.size(); i++) {
      Lease share = inputs.get(i).lease().share();
      leases.add(share);
      inputs.set(i, inputs.get(i).in(share));
    }
    batch.respond(request, inputs, leases);
  }
}
