"""A proxy between weir and a database server, which knows enough of the protocols to fail at a chosen moment.

It listens on a socket in a folder of its own, or on a port, and cuts connections where a test says: in the midst of
the rows of a bulk load, before COMMIT reaches the server, once it was sent, or once the server has done it, so that
the answer alone is lost. It can also fall silent: connections stay open and nothing passes.
"""
import pathlib
import select
import socket
import threading

ROWS = 'rows'  # of a COPY or LOAD DATA: a part of a message is sent
BEFORE_COMMIT = 'before-commit'
COMMIT_SENT = 'commit-sent'  # the server has it, and may or may not have done it yet
COMMIT_DONE = 'commit-done'  # the server has answered, weir does not get the answer
MOMENTS = [ROWS, BEFORE_COMMIT, COMMIT_SENT, COMMIT_DONE]

Address = pathlib.Path | tuple[str, int]


def open_socket(address: Address) -> tuple[socket.socket, str | tuple[str, int]]:
    if isinstance(address, pathlib.Path):
        return socket.socket(socket.AF_UNIX), str(address)
    return socket.socket(socket.AF_INET), address


class Messages:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self.bytes = b''

    def add(self, data: bytes) -> list[bytes]:
        self.bytes += data
        found = []
        while size := self.whole(self.bytes):
            found.append(self.bytes[:size])
            self.bytes = self.bytes[size:]
        return found

    def whole(self, data: bytes) -> int:
        """The size of the first message; 0 when it is not all there."""
        raise NotImplementedError


class PostgresMessages(Messages):
    """What a client sends: a message without a type first, typed ones after it."""

    def __init__(self) -> None:
        super().__init__()
        self.started = False

    def whole(self, data: bytes) -> int:
        head = 1 if self.started else 0
        if len(data) < head + 4:
            return 0
        size = head + int.from_bytes(data[head:head + 4], 'big')
        if len(data) < size:
            return 0
        if not self.started:  # a request for TLS or GSS is followed by another start
            self.started = data[4:8] not in (b'\x04\xd2\x16\x2f', b'\x04\xd2\x16\x30')
        return size

    def moment(self, message: bytes) -> str | None:
        if message[:1] == b'd':
            return ROWS
        if message[:1] == b'Q' and message[5:].startswith(b'COMMIT\0'):
            return BEFORE_COMMIT
        if message[:1] == b'P' and message[5:].startswith(b'\0COMMIT\0'):
            return BEFORE_COMMIT
        return None

    def ends_statement(self, message: bytes) -> bool:
        return message[:1] in (b'Q', b'S')


class MysqlMessages(Messages):
    def __init__(self) -> None:
        super().__init__()
        self.command = b''

    def whole(self, data: bytes) -> int:
        size = 4 + int.from_bytes(data[:3], 'little')
        return size if len(data) >= max(4, size) else 0

    def moment(self, message: bytes) -> str | None:
        if message[3] == 0:
            self.command = message[4:64].upper()
        elif self.command.startswith(b'\x03LOAD DATA') and len(message) > 4:
            return ROWS
        if message[3] == 0 and self.command == b'\x03COMMIT':
            return BEFORE_COMMIT
        return None

    def ends_statement(self, message: bytes) -> bool:
        return True


KINDS = {'postgres': PostgresMessages, 'mysql': MysqlMessages}


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: 'WireProxy', client: socket.socket, server: socket.socket):
        self.proxy = proxy
        self.client = client
        self.server = server
        self.messages = KINDS[proxy.protocol]()
        self.withholds = threading.Event()  # the server's answers from here on

    def run(self) -> None:
        back = threading.Thread(target=self.pump_back, daemon=True)
        back.start()
        try:
            self.pump()
        except OSError:
            pass
        self.cut()
        back.join()
        self.client.close()
        self.server.close()

    def cut(self) -> None:
        for side in (self.client, self.server):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def pump(self) -> None:
        cut_after_statement = False
        while data := self.client.recv(1 << 16):
            self.proxy.wait_while_silent()
            for message in self.messages.add(data):
                moment = self.messages.moment(message)
                if moment == ROWS and self.proxy.strikes(ROWS):
                    self.server.sendall(message[:len(message) // 2])
                    return
                if moment == BEFORE_COMMIT:
                    struck = self.proxy.strikes(BEFORE_COMMIT, COMMIT_SENT, COMMIT_DONE)
                    if struck == BEFORE_COMMIT:
                        return
                    cut_after_statement = struck == COMMIT_SENT
                    if struck == COMMIT_DONE:
                        self.withholds.set()
                self.server.sendall(message)
                if cut_after_statement and self.messages.ends_statement(message):
                    return

    def pump_back(self) -> None:
        try:
            while data := self.server.recv(1 << 16):
                self.proxy.wait_while_silent()
                if self.withholds.is_set():
                    break
                self.client.sendall(data)
        except OSError:
            pass
        self.cut()


class WireProxy:
    """Passes connections on; as a context it is closed at the end."""

    def __init__(self, protocol: str, listen: Address, server: Address):
        self.protocol = protocol
        self.server = server
        self.links: set[Link] = set()
        self.most_links = 0
        self.made = 0
        self.lock = threading.Lock()
        self.armed: tuple[str, int] | None = None
        self.struck = threading.Event()
        self.passing = threading.Event()
        self.passing.set()
        self.listener, address = open_socket(listen)
        self.listener.bind(address)
        self.listener.listen(128)
        self.address = self.listener.getsockname()
        self.closed = False
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def arm(self, moment: str, skip: int = 0) -> None:
        """Cuts the connection that comes to the moment, after `skip` others did."""
        assert moment in MOMENTS
        with self.lock:
            self.armed = (moment, skip)
            self.struck.clear()

    def disarm(self) -> None:
        with self.lock:
            self.armed = None

    def strikes(self, *moments: str) -> str | None:
        with self.lock:
            if self.armed is None or self.armed[0] not in moments:
                return None
            moment, skip = self.armed
            if skip > 0:
                self.armed = (moment, skip - 1)
                return None
            self.armed = None
            self.struck.set()
            return moment

    def cut_all(self) -> None:
        with self.lock:
            links = list(self.links)
        for link in links:
            link.cut()

    def fall_silent(self) -> None:
        self.passing.clear()

    def speak(self) -> None:
        self.passing.set()

    def wait_while_silent(self) -> None:
        self.passing.wait()

    def count(self) -> int:
        with self.lock:
            return len(self.links)

    def accept(self) -> None:
        while True:
            ready, _, _ = select.select([self.listener], [], [], 0.2)
            if self.closed:
                return
            if ready:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        server, address = open_socket(self.server)
        try:
            server.connect(address)
        except OSError:
            client.close()
            server.close()
            return
        link = Link(self, client, server)
        with self.lock:
            self.links.add(link)
            self.made += 1
            self.most_links = max(self.most_links, len(self.links))
        link.run()
        with self.lock:
            self.links.discard(link)

    def __enter__(self) -> 'WireProxy':
        return self

    def __exit__(self, *_) -> None:
        self.closed = True
        self.thread.join()
        self.listener.close()
        self.speak()
        self.cut_all()
