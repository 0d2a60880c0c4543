package dev.nereid.client;

import dev.nereid.core.Lease;
import dev.nereid.core.Ticker;
import dev.nereid.protocol.GrpcResponseReader;
import io.grpc.MethodDescriptor;
import io.netty.channel.EventLoopGroup;
import java.util.concurrent.atomic.LongAdder;

/** What every call to the targets works with. Thread-safe. */
record UpstreamRuntime(
    UpstreamOptions options,
    Ticker ticker,
    EventLoopGroup timers,
    Balancer balancer,
    FairTime fairTime,
    RetryBudget budget,
    MethodDescriptor<OutboundMessage, Lease> method,
    GrpcResponseReader reader,
    LongAdder retries,
    LongAdder hedges) {}
