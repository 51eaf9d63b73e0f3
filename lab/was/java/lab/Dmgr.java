package lab;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.FileReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.rmi.registry.LocateRegistry;
import java.rmi.server.RMIServerSocketFactory;
import java.util.Map;
import java.util.Properties;
import java.util.SortedMap;
import java.util.concurrent.Executors;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.remote.JMXAuthenticator;
import javax.management.remote.JMXConnectorServer;
import javax.management.remote.JMXConnectorServerFactory;
import javax.management.remote.JMXPrincipal;
import javax.management.remote.JMXServiceURL;
import javax.management.remote.rmi.RMIConnectorServer;
import javax.security.auth.Subject;

/**
 * Stands in for a deployment manager: a real JMX server with MBeans named as a cell names them, which sees the nodes through
 * their agents; the master configuration, which agents fetch over HTTP; generation and propagation of the plug-in's file.
 *
 * <p>usage: Dmgr dmgr.properties [what follows shows in process lists, as the arguments of a WebSphere JVM]
 */
public final class Dmgr {
    private final Properties settings = new Properties();
    private final Path profile;
    private final Repository repository;
    private final Plugin plugin;
    private final MBeanServer beans = MBeanServerFactory.newMBeanServer("WebSphere");

    private Dmgr(String file) throws IOException {
        try (FileReader reader = new FileReader(file, StandardCharsets.UTF_8)) {
            settings.load(reader);
        }
        profile = Path.of(settings.getProperty("profile"));
        repository = new Repository(profile.resolve("config"), settings.getProperty("cell"));
        plugin = new Plugin(profile.resolve("config"), settings.getProperty("cell"), settings.getProperty("ihsAdministration"), token());
    }

    public static void main(String[] args) throws Exception {
        new Dmgr(args[0]).start();
    }

    private String token() {
        return settings.getProperty("token");
    }

    private int port(String name) {
        return Integer.parseInt(settings.getProperty(name));
    }

    private void start() throws Exception {
        InetAddress address = InetAddress.getByName(settings.getProperty("address"));
        System.setProperty("java.rmi.server.hostname", address.getHostAddress());
        CellBeans cell = new CellBeans(settings, beans, repository, plugin);
        cell.register();
        RMIServerSocketFactory sockets = port -> new ServerSocket(port, 50, address);
        LocateRegistry.createRegistry(port("soapPort"), null, sockets);
        JMXServiceURL url = new JMXServiceURL("service:jmx:rmi://" + address.getHostAddress() + ":" + port("remotePort")
            + "/jndi/rmi://" + address.getHostAddress() + ":" + port("soapPort") + "/jmxrmi");
        JMXAuthenticator authenticator = this::authenticate;
        JMXConnectorServer connector = JMXConnectorServerFactory.newJMXConnectorServer(url, Map.of(
            JMXConnectorServer.AUTHENTICATOR, authenticator,
            RMIConnectorServer.RMI_SERVER_SOCKET_FACTORY_ATTRIBUTE, sockets), beans);
        connector.setMBeanServerForwarder(cell.forwarder());
        connector.start();

        HttpServer http = HttpServer.create(new InetSocketAddress(address, port("repositoryPort")), 50);
        http.setExecutor(Executors.newFixedThreadPool(4, work -> {
            Thread thread = new Thread(work);
            thread.setDaemon(true);
            return thread;
        }));
        http.createContext("/", this::answer);
        http.start();
        Path logs = Files.createDirectories(profile.resolve("logs/dmgr"));
        Files.writeString(logs.resolve("dmgr.pid"), ProcessHandle.current().pid() + "\n");
        System.out.println("WSVR0001I: Server dmgr open for e-business");
        Thread.currentThread().join();
    }

    private Subject authenticate(Object credentials) {
        try {
            String[] given = (String[]) credentials;
            String known = Files.readString(Path.of(settings.getProperty("credentials")));
            if (known.equals(json(given[0], given[1]))) {
                return new Subject(true, java.util.Set.of(new JMXPrincipal(given[0])), java.util.Set.of(), java.util.Set.of());
            }
        } catch (IOException | RuntimeException unreadable) {
            // refused below
        }
        throw new SecurityException("ADMN0022E: Access is denied");
    }

    /** As the lab writes it: {"user":"…","password":"…"}. */
    private static String json(String user, String password) {
        return "{\"user\":\"" + escape(user) + "\",\"password\":\"" + escape(password) + "\"}";
    }

    private static String escape(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }

    private void answer(HttpExchange exchange) throws IOException {
        byte[] bytes;
        int status = 200;
        try {
            if (!token().equals(exchange.getRequestHeaders().getFirst("x-lab-token"))) throw new IOException("wrong token");
            bytes = content(exchange.getRequestURI().getPath());
        } catch (IOException error) {
            status = 400;
            bytes = String.valueOf(error).getBytes(StandardCharsets.UTF_8);
        }
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private byte[] content(String path) throws IOException {
        String[] parts = path.substring(1).split("/", 2);
        String rest = parts.length > 1 ? parts[1] : "";
        switch (parts[0]) {
            case "epoch":
                return repository.epoch(rest).getBytes(StandardCharsets.UTF_8);
            case "files":
                StringBuilder text = new StringBuilder();
                SortedMap<String, String> files = repository.files(rest);
                text.append(Repository.digest(files.toString().getBytes())).append('\n');
                files.forEach((name, digest) -> text.append(name).append('\t').append(digest).append('\n'));
                return text.toString().getBytes(StandardCharsets.UTF_8);
            case "file":
                return repository.read(rest);
            case "updated":
                return plugin.afterUpdate().getBytes(StandardCharsets.UTF_8);
            case "end":
                new Thread(this::end).start();
                return new byte[0];
            default:
                throw new IOException("unknown request " + path);
        }
    }

    private void end() {
        try {
            Thread.sleep(50); // the answer has to get out
            Files.deleteIfExists(profile.resolve("logs/dmgr/dmgr.pid"));
        } catch (IOException | InterruptedException ignored) {
            // it ends anyway
        }
        System.exit(0);
    }
}
