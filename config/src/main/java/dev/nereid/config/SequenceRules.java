package dev.nereid.config;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelSequenceBatching;
import dev.nereid.config.proto.ModelSequenceBatching.Control;
import dev.nereid.config.proto.ModelSequenceBatching.ControlInput;
import dev.nereid.config.proto.ModelSequenceBatching.InitialState;
import dev.nereid.config.proto.ModelSequenceBatching.InitialState.StateDataCase;
import dev.nereid.config.proto.ModelSequenceBatching.State;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** What must hold for {@code sequence_batching}. */
final class SequenceRules {
  private static final Set<DataType> ID_TYPES =
      EnumSet.of(
          DataType.TYPE_INT32,
          DataType.TYPE_INT64,
          DataType.TYPE_UINT32,
          DataType.TYPE_UINT64,
          DataType.TYPE_STRING);

  private final ModelSequenceBatching batching;
  private final int maxBatchSize;
  private final Problems problems;

  private SequenceRules(ModelConfig config, Problems problems) {
    batching = config.getSequenceBatching();
    maxBatchSize = config.getMaxBatchSize();
    this.problems = problems;
  }

  static void check(ModelConfig config, Problems problems) {
    if (config.hasSequenceBatching()) {
      SequenceRules rules = new SequenceRules(config, problems);
      rules.strategy();
      rules.controls();
      rules.states();
    }
  }

  private void strategy() {
    if (batching.hasDirect()) {
      float least = batching.getDirect().getMinimumSlotUtilization();
      problems.unless(
          least >= 0 && least <= 1,
          "sequence_batching.direct.minimum_slot_utilization",
          least,
          "0 to 1");
    }
    if (batching.hasOldest()) {
      int candidates = batching.getOldest().getMaxCandidateSequences();
      problems.unless(
          candidates > 0,
          "sequence_batching.oldest.max_candidate_sequences",
          candidates,
          "1 or more");
      SchedulerRules.preferred(
          "sequence_batching.oldest.preferred_batch_size",
          batching.getOldest().getPreferredBatchSizeList(),
          maxBatchSize,
          problems);
    }
  }

  private void controls() {
    Set<Control.Kind> seen = EnumSet.noneOf(Control.Kind.class);
    for (int i = 0; i < batching.getControlInputCount(); i++) {
      ControlInput input = batching.getControlInput(i);
      String at = "sequence_batching." + Problems.element("control_input", i, input.getName());
      problems.unless(!input.getName().isEmpty(), at + ".name", "''", "a name");
      problems.unless(input.getControlCount() > 0, at + ".control", "[]", "at least one");
      for (Control control : input.getControlList()) {
        problems.unless(
            seen.add(control.getKind()), at + ".control", control.getKind(), "each kind once");
        control(at + "." + control.getKind(), control);
      }
    }
  }

  private void control(String at, Control control) {
    List<Integer> sizes =
        List.of(
            control.getInt32FalseTrueCount(),
            control.getFp32FalseTrueCount(),
            control.getBoolFalseTrueCount());
    List<Integer> given = sizes.stream().filter(size -> size > 0).toList();
    if (control.getKind() == Control.Kind.CONTROL_SEQUENCE_CORRID) {
      problems.unless(
          ID_TYPES.contains(control.getDataType()),
          at + ".data_type",
          control.getDataType(),
          "one of " + ID_TYPES);
      problems.unless(given.isEmpty(), at, "a false_true list", "none, only data_type");
    } else {
      problems.unless(
          given.equals(List.of(2)),
          at,
          "false_true lists of " + given + " values",
          "one of int32_false_true, fp32_false_true, bool_false_true, with two values");
    }
  }

  private void states() {
    for (int i = 0; i < batching.getStateCount(); i++) {
      State state = batching.getState(i);
      String at = "sequence_batching." + Problems.element("state", i, state.getInputName());
      problems.unless(!state.getInputName().isEmpty(), at + ".input_name", "''", "a name");
      problems.unless(!state.getOutputName().isEmpty(), at + ".output_name", "''", "a name");
      problems.unless(
          TensorRules.isKnown(state.getDataType()),
          at + ".data_type",
          state.getDataType(),
          "a type such as TYPE_FP32");
      problems.unless(state.getDimsCount() > 0, at + ".dims", "[]", "at least one");
      TensorRules.dims(problems, at + ".dims", state.getDimsList());
      problems.unless(
          state.getInitialStateCount() <= 1,
          at + ".initial_state",
          state.getInitialStateCount() + " of them",
          "at most one");
      state.getInitialStateList().forEach(initial -> initial(at, state, initial));
    }
  }

  private void initial(String state, State declared, InitialState initial) {
    String at = state + ".initial_state";
    problems.unless(!initial.getName().isEmpty(), at + ".name", "''", "a name");
    problems.unless(
        initial.getDataType() == declared.getDataType(),
        at + ".data_type",
        initial.getDataType(),
        declared.getDataType() + ", as the state has");
    problems.unless(
        sameDims(declared.getDimsList(), initial.getDimsList()),
        at + ".dims",
        initial.getDimsList(),
        declared.getDimsList() + ", as the state has, with a size for each -1");
    problems.unless(
        initial.getStateDataCase() != StateDataCase.STATEDATA_NOT_SET,
        at,
        "no data",
        "zero_data or data_file");
  }

  private static boolean sameDims(List<Long> state, List<Long> initial) {
    if (state.size() != initial.size()) {
      return false;
    }
    for (int i = 0; i < state.size(); i++) {
      long dim = initial.get(i);
      if (dim < 1 || (state.get(i) != -1 && state.get(i) != dim)) {
        return false;
      }
    }
    return true;
  }
}
