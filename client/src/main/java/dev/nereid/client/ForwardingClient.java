package dev.nereid.client;

import java.util.List;

/** A client that hands on to another one what it does not do in a way of its own. */
abstract class ForwardingClient implements InferenceClient {
  final InferenceClient client;

  ForwardingClient(InferenceClient client) {
    this.client = client;
  }

  @Override
  public EncodedCall encode(InferCall call) {
    return client.encode(call);
  }

  @Override
  public InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver) {
    return client.send(call, lane, timeoutNanos, receiver);
  }

  @Override
  public InferResult decode(RawReply reply) {
    return client.decode(reply);
  }

  @Override
  public int connections() {
    return client.connections();
  }

  @Override
  public boolean isLive() {
    return client.isLive();
  }

  @Override
  public boolean isReady() {
    return client.isReady();
  }

  @Override
  public boolean isModelReady(String model) {
    return client.isModelReady(model);
  }

  @Override
  public ServerInfo server() {
    return client.server();
  }

  @Override
  public ModelInfo model(String name) {
    return client.model(name);
  }

  @Override
  public List<ModelStatistics> statistics(String model) {
    return client.statistics(model);
  }

  @Override
  public void close() {
    client.close();
  }
}
