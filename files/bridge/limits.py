"""Every bound the bridge keeps, with the reason for its size."""

from __future__ import annotations

from dataclasses import dataclass, replace

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Limits:
    """Bounds in bytes, counts and seconds."""

    sessions: int = 100
    """Sessions at once; each may hold a child of its own."""
    message: int = 64 * 1024 * 1024
    """Bytes of one message, in either direction. Images and documents travel as base64."""
    bodies: int = 256 * 1024 * 1024
    """Bytes of all bodies that are being read or wait to be passed on, together."""
    answers: int = 256 * 1024 * 1024
    """Bytes of the servers' messages that have not been taken, together: by clients that do not read, and in pieces."""
    first_message: int = 1024 * 1024
    """Bytes of a body without a session: it can only be `initialize`."""
    discarded: int = 64 * 1024
    """Bytes of a body that nobody wants for which a connection is kept; for more it is not worth the waiting."""
    head: int = 64 * 1024
    """Bytes of a request's line and headers together; as much as an Application Load Balancer passes on. Each header
    counts 32 more (as in RFC 9113, 10.5.1): a great many empty ones cost as much time."""
    small: int = 8 * 1024
    """Bytes of a head, and of a body, that are not counted in `bodies`: there are no more of them than connections."""
    pipelined: int = 32
    connections: int = 2048
    reserve: int = 64
    """Connections beyond them, for health checks: who looks whether the server is well must get an answer."""
    share: float = 7 / 8
    """Of the connections, what requests of one client may occupy: a call cannot be ended for the sake of others, so
    that some room must stay. A gateway that is the only client has as good as everything."""
    silent_seconds: float = 10.0
    """A connection without a request. Balancers and clients open one when they have something to send."""
    head_seconds: float = 10.0
    """From the first byte of a request to the end of its head, which balancers send in one piece."""
    body_seconds: float = 10.0
    body_rate: int = 32 * 1024
    """A request may take so long from its first byte to its last, and one second more for as many bytes of its body as
    have come: a slow uplink is faster."""
    linger_seconds: float = 2.0
    """How long the rest of a refused body is thrown away before the connection is closed: a client that is still
    sending would lose the answer (RFC 9112, 9.6)."""
    stall_seconds: float = 60.0
    """How long a client may take nothing of an answer."""
    keep_alive_seconds: float = 4100.0
    """Above the longest idle timeout that an Application Load Balancer can be given (4000 s, AWS documentation of load
    balancer attributes): a target that closes first turns a reused connection into a 502."""
    comment_seconds: float = 15.0
    """An open stream is never silent for longer: below every common idle timeout."""
    upgrade_seconds: float = 25.0
    """How long an answer may take before the client, if it can, is given a stream instead of a plain body. A plain body
    may have any size and an HTTP status; a stream survives what ends silent connections. The idle timeouts on the way
    are 60 s (Application Load Balancer, nginx), rarely 30 s or 29 s (API gateways)."""
    unused_seconds: float = 60.0
    """The life of a session that never did more than `initialize`. Clients go on within milliseconds; whoever types the
    requests gets a minute."""
    own_idle_seconds: float = 300.0
    """For how long a session must not have been used to give way to another of the same client: people and models think
    for minutes between two calls, and a whole office may have one address."""
    left_seconds: float = 30.0
    """For how long a session must have lost its listening stream to give way to any other. SDKs open the stream again
    within 3 s, twice, or never; a client that goes on without it is there again with its next request."""
    unattended_seconds: float = 30.0
    """For how long nobody must have been there for a session's calls, so that it gives way to others."""
    silent_server_seconds: float = 3600.0
    """For how long a server must have said nothing for the same, though its client is there. Then its calls end, too:
    no SDK waits so long for a word, and a client that vanished without one must not keep a process for ever."""
    readers: int = 3
    """Connections on one stream; only the newest gets what is said, so that an older one is of use only for moments."""
    memory_left: float = 1 / 16
    """Of the container's memory, and of its processes, what stays free beyond what its children need: for what calls
    take for a moment, and for the health check. With less the kernel would end one, perhaps another client's."""
    oom_told_seconds: float = 300.0
    """For how long health says that the kernel has ended a process for want of memory."""
    idle_seconds: float = 1800.0
    """A session that nobody used for so long is ended."""
    id_seconds: float = 7 * 86400.0
    """For how long after its start a session that children of many clients serve may move to another container. Its id
    cannot be renewed, and what it opens to whoever knows it is no more than a new session is. Where the session is open
    it goes on: only a client that has one for longer and loses its container has to begin anew."""
    ended: int = 4096
    """Such sessions that clients have ended, which are remembered so that they are not taken up again."""
    resume_seconds: float = 300.0
    """The same, once its client has lost its listening stream and not come back."""
    abandoned_seconds: float = 300.0
    """How long a call goes on whose client is away. A disconnection is no cancellation (2025-11-25, transports), and
    the stream of an answer may be taken up again for as long as a lost stream may; after that nobody reads it."""
    calls: int = 1000
    """Calls in flight in one session. Each keeps its id and its token; a thousand are more than any client makes."""
    store_events: int = 512
    store_bytes: int = 4 * 1024 * 1024
    """What a session keeps for clients that resume a broken stream."""
    backlog: int = 8 * 1024 * 1024
    """Bytes that a slow client or a slow child may leave untaken before its peer has to wait."""
    pipe: int = 64 * 1024
    """Bytes that a pipe holds: with so few a child may be slow where memory is short."""
    pool_size: int = 8
    """Children of a pool. The calls of one client get all but an eighth of them: a call is not ended for others."""
    contended_seconds: float = 2.0
    """For how long nobody must have been there for a call, so that it gives way to calls that wait for a child."""
    queue: int = 256
    """Calls that may wait for one of them."""
    warm_processes: int = 1
    """Children that are started before a session asks for one, with isolation per_session."""
    unneeded_seconds: float = 300.0
    """How long a child of a pool may stay that nobody needs, where there is another."""
    sleep_after: float = 900.0
    """For how long nobody must have used the server, so that it sleeps: no process of it waits. 0: it never does."""
    deep_check_seconds: float = 3600.0
    """How often a sleeping server is started to see whether it still can be. 0: never."""
    patience_seconds: float = 25.0
    """A server that takes longer to start is kept awake: the first call would be cut on its way, as `upgrade_seconds`
    says, before it could be answered."""
    handshake_seconds: float = 60.0
    """How long a child may take to be of use; a session whose `initialize` is not answered so long is ended."""
    probe_interval_seconds: float = 15.0
    """A child that serves many clients is asked for a sign of life when it has given none for so long."""
    probe_timeout_seconds: float = 30.0
    """How long such a child may owe an answer, and how long a call may wait for a child, before health says so."""
    hung_seconds: float = 300.0
    """The same before the child is killed: by then no call that it may be busy with is worth all the others."""
    stop_seconds: float = 2.0
    """A child's time to leave after its input is closed, and again after the signal, before it is killed."""
    drain_seconds: float = 5.0
    """Calls in flight may take this long when the bridge is told to stop; with `stop_seconds` twice it stays below the
    10 s after which an engine kills."""


def fitted(limits: Limits, memory: int, files: int) -> Limits:
    """Returns `limits` for a container with `memory` bytes in which a process may have `files` open.

    An eighth of the memory for bodies and another for answers leave room for the copies that reading and passing on
    take, for the bridge itself and for its children. Less than 16 MiB would refuse ordinary images, and more than
    256 MiB nobody needs at once.
    """
    share = max(16 * _MIB, min(memory // 8, 256 * _MIB))
    message = min(limits.message, share // 2)
    connections = min(limits.connections, files - limits.reserve - 4 * limits.sessions - 64)
    return replace(limits, message=message, bodies=share, answers=share, connections=max(64, connections))
