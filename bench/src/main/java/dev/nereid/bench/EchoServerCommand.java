package dev.nereid.bench;

import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Serves bare echoes on the transports that the server uses, as the floor of its cost. */
@Command(
    name = "echo-server",
    hidden = true,
    mixinStandardHelpOptions = true,
    description = "Answers ModelInfer and every POST with the bytes received, until it is killed.")
final class EchoServerCommand implements Callable<Integer> {
  @Option(
      names = "--grpc-port",
      defaultValue = "18001",
      description = "gRPC (default ${DEFAULT-VALUE}).")
  private int grpcPort;

  @Option(
      names = "--http-port",
      defaultValue = "18000",
      description = "HTTP/1.1 (default ${DEFAULT-VALUE}).")
  private int httpPort;

  @Override
  public Integer call() throws Exception {
    try (var echo = EchoServer.start(grpcPort, httpPort)) {
      System.out.println("echo: gRPC on " + echo.grpcPort() + ", HTTP on " + echo.httpPort());
      new CountDownLatch(1).await();
    }
    return 0;
  }
}
