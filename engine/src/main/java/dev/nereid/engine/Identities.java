package dev.nereid.engine;

import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.engine.EnsembleDefinition.StepKey;
import dev.nereid.repository.Fingerprint;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Tells what answers a model's requests. Stateless. */
final class Identities {
  private Identities() {}

  /** Of a version that is served now; asked again while its steps are being replaced. */
  static ModelIdentity of(ModelCatalog catalog, String model, long version) {
    while (true) {
      ServedVersion served = catalog.require(model, version);
      List<Long> loads = loads(served);
      List<String> contents = new ArrayList<>();
      contents(catalog, served, contents);
      if (loads.equals(loads(catalog.require(model, version)))) {
        return new ModelIdentity(loads, contents);
      }
    }
  }

  private static List<Long> loads(ServedVersion served) {
    List<Long> loads = new ArrayList<>();
    served.identify(loads::add);
    return loads;
  }

  private static void contents(ModelCatalog catalog, ServedVersion served, List<String> contents) {
    contents.add(served.content());
    for (ModelEnsembling.Step step : served.spec().config().getEnsembleScheduling().getStepList()) {
      StepKey key = StepKey.of(step);
      contents(catalog, catalog.require(key.model(), key.version()), contents);
    }
  }

  /** What the files of a version looked like when it was loaded. */
  static String files(Fingerprint fingerprint, long version) {
    return "%x-%x"
        .formatted(fingerprint.shared(), fingerprint.versions().getOrDefault(version, 0L));
  }

  /** Stands for files that came with the load, and that no other load has. */
  static String unique() {
    return UUID.randomUUID().toString();
  }
}
