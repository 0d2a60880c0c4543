package dev.nereid.scheduler;

/** A request of a simulation: what its caller asks, and what the rules have made of it so far. */
final class SimulatedRequest {
  final int id;
  final int rows;

  /** Elements of a row. */
  final int dim;

  final boolean bringsOptional;

  /** The content of its shape tensor; 0 where the model has none. */
  final int steer;

  final long priority;
  final long timeoutMicros;
  final long came;
  final long deadline;

  /** Whether its data is no good, so that it fails alone. */
  final boolean spoilt;

  boolean cancelled;

  // what the rules have made of it
  long level;
  long endsAt;

  /** Its place among those whose time is over; 0 while it is not. */
  int late;

  /** A request's inputs. */
  record Data(int rows, int dim, boolean bringsOptional, int steer, boolean spoilt) {}

  SimulatedRequest(int id, Data data, long priority, long timeoutMicros, long came, long deadline) {
    this.id = id;
    rows = data.rows;
    dim = data.dim;
    bringsOptional = data.bringsOptional;
    steer = data.steer;
    spoilt = data.spoilt;
    this.priority = priority;
    this.timeoutMicros = timeoutMicros;
    this.came = came;
    this.deadline = deadline;
  }

  @Override
  public String toString() {
    return "#" + id + "(" + rows + " rows, level " + level + (late > 0 ? ", late)" : ")");
  }
}
