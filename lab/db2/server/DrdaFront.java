import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Where clients connect: passes messages to Derby and back, in each other's words, and does what the faults say. */
final class DrdaFront {
  private final ServerSocket listener;
  private final int target;
  private final Faults faults;
  private final Set<Line> lines = ConcurrentHashMap.newKeySet();

  DrdaFront(InetSocketAddress address, int target, Faults faults) throws IOException {
    this.target = target;
    this.faults = faults;
    this.listener = new ServerSocket(address.getPort(), 50, address.getAddress());
    start("front", this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Ends all open connections; new ones are welcome. */
  void cut() {
    for (Line line : lines) line.close();
  }

  private void accept() throws IOException {
    while (true) {
      Socket client = listener.accept();
      if (faults.refuse) client.close();
      else new Line(client);
    }
  }

  private interface Work {
    void run() throws Exception;
  }

  private static void start(String name, Work work) {
    Thread thread = new Thread(() -> {
      try {
        work.run();
      } catch (Exception error) {
        // A connection that ends, at whichever side, is no news.
      }
    }, name);
    thread.setDaemon(true);
    thread.start();
  }

  private final class Line {
    private final Socket client;
    private final Socket server;
    private volatile boolean commitUnderWay;

    Line(Socket client) throws IOException {
      this.client = client;
      this.server = new Socket(InetAddress.getLoopbackAddress(), target);
      lines.add(this);
      for (Socket socket : new Socket[] {client, server}) socket.setTcpNoDelay(true);
      start("to server", () -> pump(client, server, this::fromClient));
      start("to client", () -> pump(server, client, this::fromServer));
    }

    private interface Rule {
      /** What passes instead; null: nothing does, and the line dies. */
      DrdaMessage apply(DrdaMessage message) throws IOException;
    }

    private DrdaMessage fromClient(DrdaMessage message) throws IOException {
      if (Db2Dialect.isCommit(message)) {
        if (faults.dropBeforeCommit) return null;
        commitUnderWay = faults.dropAfterCommit;
      }
      return Db2Dialect.toServer(message);
    }

    private DrdaMessage fromServer(DrdaMessage message) {
      return commitUnderWay ? null : Db2Dialect.toClient(message);
    }

    private void pump(Socket from, Socket to, Rule rule) throws Exception {
      try (from; to) {
        DataInputStream in = new DataInputStream(new BufferedInputStream(from.getInputStream(), 65536));
        OutputStream out = to.getOutputStream();
        for (DrdaMessage message; (message = DrdaMessage.read(in)) != null; ) {
          DrdaMessage passed = rule.apply(message);
          if (passed == null) return;
          if (faults.delayMs > 0) Thread.sleep(faults.delayMs);
          if (passed.codePoint() == DrdaMessage.CLSQRY) faults.passClose();
          faults.pass();
          out.write(passed.bytes);
        }
      } finally {
        close();
      }
    }

    void close() {
      lines.remove(this);
      for (Socket socket : new Socket[] {client, server}) {
        try {
          socket.close();
        } catch (IOException error) {
          // It was closed already.
        }
      }
    }
  }
}
