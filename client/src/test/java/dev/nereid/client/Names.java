package dev.nereid.client;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusOr;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A name service in place of the system's, for one name; whoever asks for others is sent on. A
 * change is told to those who ask again.
 */
final class Names extends NameResolverProvider implements AutoCloseable {
  private static final String SCHEME = "dns";

  final AtomicInteger questions = new AtomicInteger();

  private final Endpoint name;
  private final NameResolverProvider systems =
      Objects.requireNonNull(
          NameResolverRegistry.getDefaultRegistry().getProviderForScheme(SCHEME));
  private volatile List<Endpoint> addresses = List.of();

  /** Answers for that name from now on. */
  Names(Endpoint name) {
    this.name = name;
    NameResolverRegistry.getDefaultRegistry().register(this);
  }

  void stand(Endpoint... now) {
    addresses = List.of(now);
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return 10;
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  @Override
  public String getDefaultScheme() {
    return SCHEME;
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    return target.getPath().equals("/" + name) ? new Told() : systems.newNameResolver(target, args);
  }

  private final class Told extends NameResolver {
    @SuppressWarnings("NullAway.Init") // gRPC starts before it refreshes
    private Listener2 listener;

    @Override
    public String getServiceAuthority() {
      return name.toString();
    }

    @Override
    public void start(Listener2 listener) {
      this.listener = listener;
      refresh();
    }

    @Override
    public void refresh() {
      questions.incrementAndGet();
      List<EquivalentAddressGroup> groups =
          addresses.stream()
              .map(each -> new InetSocketAddress(each.host(), each.port()))
              .map(EquivalentAddressGroup::new)
              .toList();
      listener.onResult(
          ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(groups)).build());
    }

    @Override
    public void shutdown() {}
  }

  @Override
  public void close() {
    NameResolverRegistry.getDefaultRegistry().deregister(this);
  }
}
