"""Every bound the bridge keeps, with the reason for its size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in bytes, counts and seconds."""

    sessions: int = 100
    """Sessions at once; each may hold a child of its own."""
    message: int = 64 * 1024 * 1024
    """Bytes of one message, in either direction. Images and documents travel as base64."""
    head: int = 64 * 1024
    """Bytes of a request's line and headers together."""
    pipelined: int = 32
    connections: int = 2048
    read_seconds: float = 60.0
    """How long a client may take to send one request."""
    keep_alive_seconds: float = 4100.0
    """Above the longest idle timeout that an Application Load Balancer can be given (4000 s, AWS documentation of load
    balancer attributes): a target that closes first turns a reused connection into a 502."""
    comment_seconds: float = 15.0
    """An open stream is never silent for longer: below every common idle timeout."""
    patience_seconds: float = 0.5
    """How long an answer may take before the client, if it can, is given a stream instead of a plain body."""
    long_patience_seconds: float = 10.0
    """The same for requests that stand alone: their streams cannot be resumed, so a stream is worth less to the client
    than the HTTP status that some errors must have."""
    idle_seconds: float = 1800.0
    """A session that nobody used for so long is ended."""
    grace_seconds: float = 300.0
    """The same, once its client has lost its listening stream and not come back."""
    abandoned_seconds: float = 300.0
    """How long a call goes on whose client is away. A disconnection is no cancellation (2025-11-25, transports), and
    the stream of an answer may be taken up again for as long as a lost stream may; after that nobody reads it."""
    calls: int = 1000
    """Calls in flight in one session. Each keeps its id and its token; a thousand are more than any client makes."""
    journal_events: int = 512
    journal_bytes: int = 4 * 1024 * 1024
    """What a session keeps for clients that resume a broken stream."""
    backlog: int = 8 * 1024 * 1024
    """Bytes that a slow client or a slow child may leave untaken before its peer has to wait."""
    pool: int = 8
    """Children of a pool."""
    queue: int = 256
    """Calls that may wait for one of them."""
    spare_seconds: float = 300.0
    """How long a child may stay that nobody needs."""
    greet_seconds: float = 60.0
    """How long a child may take to be of use."""
    ask_seconds: float = 15.0
    """A child that serves many clients is asked for a sign of life when it has given none for so long."""
    silence_seconds: float = 30.0
    """How long such a child may owe an answer, and how long a call may wait for a child, before health says so."""
    hung_seconds: float = 300.0
    """The same before the child is killed: by then no call that it may be busy with is worth all the others."""
    stop_seconds: float = 2.0
    """A child's time to leave after its input is closed, and again after the signal, before it is killed."""
    drain_seconds: float = 5.0
    """Calls in flight may take this long when the bridge is told to stop; with `stop_seconds` twice it stays below the
    10 s after which an engine kills."""
