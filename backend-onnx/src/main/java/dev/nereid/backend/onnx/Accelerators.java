package dev.nereid.backend.onnx;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.config.proto.ModelOptimizationPolicy.ExecutionAccelerators;
import dev.nereid.config.proto.ModelOptimizationPolicy.ExecutionAccelerators.Accelerator;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.List;
import java.util.Set;

/** Refuses devices and accelerators whose libraries this build does not bring. */
final class Accelerators {
  private static final Set<String> ON_GPU = Set.of("tensorrt", "cuda");
  private static final Set<String> ON_CPU = Set.of("openvino");

  private Accelerators() {}

  static void require(ModelConfig config) {
    for (ModelInstanceGroup group : config.getInstanceGroupList()) {
      if (group.getKind() == ModelInstanceGroup.Kind.KIND_GPU) {
        throw FaultException.of(
            Fault.UNSUPPORTED,
            ("model '%s', instance_group '%s': KIND_GPU, and onnxruntime is here without CUDA"
                    + " (expected: KIND_CPU, or start with --gpu-unavailable=cpu)")
                .formatted(config.getName(), group.getName()));
      }
    }
    ExecutionAccelerators asked = config.getOptimization().getExecutionAccelerators();
    require(config, asked.getGpuExecutionAcceleratorList(), ON_GPU);
    require(config, asked.getCpuExecutionAcceleratorList(), ON_CPU);
  }

  private static void require(ModelConfig config, List<Accelerator> asked, Set<String> known) {
    for (Accelerator accelerator : asked) {
      if (!known.contains(accelerator.getName())) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "model '%s': unknown Execution Accelerator '%s' is requested"
                .formatted(config.getName(), accelerator.getName()));
      }
      throw FaultException.of(
          Fault.UNSUPPORTED,
          ("model '%s': Execution Accelerator '%s' is requested, and onnxruntime is here without its"
                  + " library (expected: no execution_accelerators; the model then runs on the CPU)")
              .formatted(config.getName(), accelerator.getName()));
    }
  }
}
