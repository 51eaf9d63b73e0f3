import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import javax.net.ServerSocketFactory;
import org.apache.derby.drda.NetworkServerControl;

/**
 * A stand-in for a Db2 server: Apache Derby's network server behind a front that IBM's CLI driver accepts.
 *
 * `LabServer prepare FOLDER USER SQL-FOLDER` makes the databases in FOLDER: one for each NAME.sql, with catalog.sql first.
 * `LabServer serve FOLDER USER ADDRESS DRDA-PORT CONTROL-PORT` serves them (0: any port that is free): prints "ready DRDA-PORT
 * CONTROL-PORT" and runs until standard input ends, so that it never outlives its owner. Secrets come as lines of standard input: the user's password, then the control port's token.
 */
public final class LabServer {
  private static final String USER_PROPERTY = "derby.user.";

  private final String user;
  private final String password;
  private final String token;
  private final Faults faults = new Faults();
  private DrdaFront front;
  /** Holds a row in another transaction while that fault is on. */
  private Connection holder;

  public static void main(String[] args) throws Exception {
    var input = new java.io.BufferedReader(new java.io.InputStreamReader(System.in, StandardCharsets.UTF_8));
    var server = new LabServer(Path.of(args[1]), args[2], input.readLine(), input.readLine());
    if (args[0].equals("prepare")) {
      server.prepare(Path.of(args[3]));
      Runtime.getRuntime().halt(0);
    }
    server.serve(InetAddress.getByName(args[3]), Integer.parseInt(args[4]), Integer.parseInt(args[5]));
    while (input.read() >= 0) {
      // Nothing is expected: only the end matters.
    }
    Runtime.getRuntime().halt(0);
  }

  private LabServer(Path folder, String user, String password, String token) {
    this.user = user;
    this.password = password;
    this.token = token;
    System.setProperty("derby.system.home", folder.toString());
    System.setProperty("derby.connection.requireAuthentication", "true");
    System.setProperty("derby.authentication.provider", "BUILTIN");
    System.setProperty(USER_PROPERTY + user, password);
    System.setProperty("derby.stream.error.file", folder.resolve("derby.log").toString());
    // One for all connections, in seconds; Db2 has one per connection.
    System.setProperty("derby.locks.waitTimeout", "1");
    System.setProperty("derby.locks.deadlockTimeout", "1");
    // A lab's data need not survive the machine.
    System.setProperty("derby.system.durability", "test");
  }

  private void serve(InetAddress address, int port, int controlPort) throws Exception {
    front = new DrdaFront(new InetSocketAddress(address, port), startDerby(), faults);
    System.out.println("ready " + front.port() + " " + control(new InetSocketAddress(address, controlPort)));
  }

  private void prepare(Path sql) throws Exception {
    String catalog = Files.readString(sql.resolve("catalog.sql"));
    try (var files = Files.list(sql)) {
      for (Path file : files.filter(LabServer::isDatabase).sorted().toList()) {
        try (Connection connection = connect(file.getFileName().toString().replace(".sql", ""), ";create=true")) {
          for (String script : List.of(catalog, Files.readString(file))) runAll(connection, script);
        }
      }
    }
    try {
      connect("", ";shutdown=true").close();
    } catch (SQLException ended) {
      // Derby reports its orderly end as an error.
      if (!"XJ015".equals(ended.getSQLState())) throw ended;
    }
  }

  private static boolean isDatabase(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".sql") && !name.equals("catalog.sql");
  }

  private static void runAll(Connection connection, String script) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String each : script.replaceAll("(?m)^--.*$", "").split(";\\s*\\n")) {
        if (!each.isBlank()) statement.execute(each);
      }
    }
  }

  private Connection connect(String database, String more) throws SQLException {
    return DriverManager.getConnection("jdbc:derby:" + database + more, user, System.getProperty(USER_PROPERTY + user));
  }

  /** What CURRENT SERVER answers; called by the function LAB.SERVER. */
  public static String databaseName() throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:default:connection")) {
      return connection.getMetaData().getURL().replaceFirst("^jdbc:derby:", "");
    }
  }

  /** What MON_GET_CONNECTION answers: who is connected, without Db2's own system applications. */
  public static ResultSet connections(Long handle, int member) throws SQLException {
    Connection connection = DriverManager.getConnection("jdbc:default:connection");
    return connection.createStatement().executeQuery(
        "SELECT AGENT_ID, APPL_NAME, APPL_ID, AUTHID, CLIENT_NNAME FROM LABIBMADM.APPLICATIONS WHERE APPL_ID NOT LIKE '*LOCAL.DB2.%'");
  }

  /** Of every connection alike: Derby's have none. */
  public static String applicationId() {
    return "127.0.0.1.40000.260501120000";
  }

  /** Derby on a free port. It leaves Nagle's algorithm on, which costs 40 ms per LOB row: its sockets get TCP_NODELAY. */
  private static int startDerby() throws Exception {
    int[] port = new int[1];
    for (Field field : ServerSocketFactory.class.getDeclaredFields()) {
      if (field.getType() != ServerSocketFactory.class) continue;
      field.setAccessible(true);
      field.set(null, new QuickSockets(port));
    }
    var control = new NetworkServerControl(InetAddress.getLoopbackAddress(), 1527);
    control.start(new PrintWriter(System.err, true));
    for (int waited = 0; waited < 20_000; waited += 10) {
      synchronized (port) {
        if (port[0] > 0) return port[0];
      }
      Thread.sleep(10);
    }
    throw new IOException("Derby did not start in 20 s");
  }

  /** Makes listeners on whichever port is free, and tells which. */
  private static final class QuickSockets extends ServerSocketFactory {
    private final int[] port;

    QuickSockets(int[] port) {
      this.port = port;
    }

    @Override
    public ServerSocket createServerSocket(int ignored) throws IOException {
      return createServerSocket(ignored, 50, InetAddress.getLoopbackAddress());
    }

    @Override
    public ServerSocket createServerSocket(int ignored, int backlog) throws IOException {
      return createServerSocket(ignored, backlog, InetAddress.getLoopbackAddress());
    }

    @Override
    public ServerSocket createServerSocket(int ignored, int backlog, InetAddress address) throws IOException {
      ServerSocket socket = new ServerSocket(0, backlog, address) {
        @Override
        public Socket accept() throws IOException {
          Socket accepted = super.accept();
          accepted.setTcpNoDelay(true);
          return accepted;
        }
      };
      synchronized (port) {
        port[0] = socket.getLocalPort();
      }
      return socket;
    }
  }

  private int control(InetSocketAddress address) throws IOException {
    HttpServer http = HttpServer.create(address, 0);
    http.setExecutor(Executors.newCachedThreadPool(work -> {
      Thread thread = new Thread(work, "control");
      thread.setDaemon(true);
      return thread;
    }));
    http.createContext("/", this::answer);
    http.start();
    return http.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    String[] path = exchange.getRequestURI().getPath().substring(1).split("/");
    int status = 200;
    String reply;
    try {
      if (!token.equals(exchange.getRequestHeaders().getFirst("X-Lab-Token"))) throw new SecurityException("wrong token");
      reply = switch (path[0]) {
        case "sql" -> run(path[1], body);
        case "fault" -> fault(path[1], path[2].equals("on"));
        case "held" -> {
          faults.awaitHeldCloses(Integer.parseInt(path[1]));
          yield "true";
        }
        case "cut" -> {
          front.cut();
          yield "true";
        }
        default -> throw new IllegalArgumentException("unknown request");
      };
    } catch (Exception error) {
      status = 400;
      reply = error.getMessage() == null ? error.toString() : error.getMessage();
    }
    byte[] bytes = reply.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private synchronized String fault(String name, boolean on) throws SQLException {
    switch (name) {
      case "refuse" -> faults.refuse = on;
      case "drop-before-commit" -> faults.dropBeforeCommit = on;
      case "drop-after-commit" -> faults.dropAfterCommit = on;
      case "stall" -> faults.stall(on);
      case "hold-close" -> faults.holdCloses(on);
      case "slow" -> faults.delayMs = on ? 100 : 0;
      case "wrong-password" -> System.setProperty(USER_PROPERTY + user, on ? password + "-changed" : password);
      case "lock-row" -> lockRow(on);
      default -> throw new IllegalArgumentException("unknown fault " + name);
    }
    return "true";
  }

  private void lockRow(boolean on) throws SQLException {
    if (holder != null) {
      holder.rollback();
      holder.close();
      holder = null;
    }
    if (!on) return;
    holder = connect("HOMEPAGE", "");
    holder.setAutoCommit(false);
    try (Statement statement = holder.createStatement()) {
      statement.execute("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET RELEASEVER = RELEASEVER");
    }
  }

  /** Runs one statement beside everything that is tested; answers its rows as a JSON array of objects, values as text. */
  private String run(String database, String sql) throws SQLException {
    try (Connection connection = connect(database, ""); Statement statement = connection.createStatement()) {
      if (!statement.execute(sql)) return "[]";
      List<String> rows = new ArrayList<>();
      try (ResultSet result = statement.getResultSet()) {
        var columns = result.getMetaData();
        while (result.next()) {
          List<String> row = new ArrayList<>();
          for (int index = 1; index <= columns.getColumnCount(); index++) {
            row.add(json(columns.getColumnLabel(index)) + ":" + json(result.getString(index)));
          }
          rows.add("{" + String.join(",", row) + "}");
        }
      }
      return "[" + String.join(",", rows) + "]";
    }
  }

  private static String json(String text) {
    if (text == null) return "null";
    StringBuilder out = new StringBuilder("\"");
    for (char each : text.toCharArray()) {
      if (each == '"' || each == '\\') out.append('\\').append(each);
      else if (each < ' ') out.append(String.format("\\u%04x", (int) each));
      else out.append(each);
    }
    return out.append('"').toString();
  }
}
