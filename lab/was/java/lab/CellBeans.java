package lab;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.remote.MBeanServerForwarder;

/**
 * The MBeans of the cell. Those of a node are there while its agent answers, those of a server while it runs besides: so an
 * empty answer means "stopped, or its agent is not there", as in the product. They are brought up to date before each question.
 */
final class CellBeans {
    private final String cell;
    private final Path configuration;
    private final Path switches;
    private final MBeanServer beans;
    private final Repository repository;
    private final Plugin plugin;
    private final List<Node> nodes = new ArrayList<>();
    /** Of the nodes: these come and go. */
    private final Set<ObjectName> passing = new HashSet<>();

    CellBeans(Properties settings, MBeanServer beans, Repository repository, Plugin plugin) {
        this.cell = settings.getProperty("cell");
        this.configuration = Path.of(settings.getProperty("profile")).resolve("config/lab-configuration.txt");
        this.switches = Path.of(settings.getProperty("switches"));
        this.beans = beans;
        this.repository = repository;
        this.plugin = plugin;
        for (String pair : settings.getProperty("agents").split(",")) {
            String[] parts = pair.split("=");
            nodes.add(new Node(parts[0], parts[1], settings.getProperty("token")));
        }
    }

    private ObjectName name(String type, String name, String node, String process) throws JMException {
        return new ObjectName("WebSphere:name=" + name + ",process=" + process + ",platform=common,node=" + node
            + ",version=8.5.5.23,type=" + type + ",mbeanIdentifier=" + name + ",cell=" + cell + ",spec=1.0");
    }

    void register() throws JMException, IOException {
        beans.registerMBean(serverBean("dmgr", () -> "STARTED", () -> String.valueOf(ProcessHandle.current().pid())),
            name("Server", "dmgr", "dmgr", "dmgr"));
        beans.registerMBean(new Bean().operation("syncActiveNodes", 1, a -> syncAll()),
            name("DeploymentManager", "DeploymentManager", "dmgr", "dmgr"));
        beans.registerMBean(new Bean()
            .operation("generate", 5, a -> {
                String said = plugin.generate(a[1], a[2], a[3]);
                return a[4].equals("true") ? said + "\n" + plugin.propagate(a[2], a[3]) : said;
            })
            .operation("propagate", 4, a -> plugin.propagate(a[2], a[3])),
            name("PluginCfgGenerator", "PluginCfgGenerator", "dmgr", "dmgr"));
        beans.registerMBean(new Bean().operation("distributionStatus", 1, a -> distribution(a[0])),
            name("AppManagement", "AppManagement", "dmgr", "dmgr"));
        for (ConfigStore.Entry cluster : new ConfigStore(configuration).ofType("ServerCluster")) {
            beans.registerMBean(new Bean().attribute("state", () -> clusterState(cluster)),
                name("Cluster", cluster.name, "dmgr", "dmgr"));
        }
    }

    private static Bean serverBean(String name, java.util.concurrent.Callable<Object> state, java.util.concurrent.Callable<Object> pid) {
        return new Bean().attribute("name", () -> name).attribute("state", state).attribute("pid", pid);
    }

    /** What stands between a client and the MBeans: looks at the nodes first. */
    MBeanServerForwarder forwarder() {
        Set<String> questions = Set.of("queryNames", "queryMBeans", "getAttribute", "invoke", "isRegistered");
        return (MBeanServerForwarder) Proxy.newProxyInstance(CellBeans.class.getClassLoader(),
            new Class<?>[] {MBeanServerForwarder.class}, (proxy, method, arguments) -> {
                if (method.getName().equals("setMBeanServer")) return null;
                if (method.getName().equals("getMBeanServer")) return beans;
                if (questions.contains(method.getName())) refresh();
                try {
                    return method.invoke(beans, arguments);
                } catch (InvocationTargetException error) {
                    throw error.getCause();
                }
            });
    }

    private synchronized void refresh() throws JMException {
        Set<ObjectName> now = new HashSet<>();
        for (Node node : nodes) {
            node.refresh();
            if (node.state != null) registerNode(node, now);
        }
        for (ObjectName gone : passing) if (!now.contains(gone) && beans.isRegistered(gone)) beans.unregisterMBean(gone);
        passing.clear();
        passing.addAll(now);
    }

    private void registerNode(Node node, Set<ObjectName> now) throws JMException {
        keep(now, name("NodeAgent", "NodeAgent", node.name, "nodeagent"), new Bean()
            .operation("launchProcess", 1, a -> node.post("/start/" + a[0]))
            .operation("restart", 2, a -> node.post("/restart")));
        keep(now, name("NodeSync", "nodeSync", node.name, "nodeagent"), new Bean()
            .attribute("autoSyncEnabled", () -> node.state.getProperty("autoSync"))
            .writable("autoSyncEnabled", a -> node.post("/auto-sync/" + a[0]))
            .operation("isNodeSynchronized", 0, a -> node.state.getProperty("synchronized"))
            .operation("sync", 0, a -> node.post("/sync"))
            .operation("requestSync", 0, a -> node.post("/request-sync")));
        keep(now, name("ConfigRepository", "repository", node.name, "nodeagent"), new Bean()
            .operation("refreshRepositoryEpoch", 0, a -> node.post("/refresh")));
        keep(now, name("Server", "nodeagent", node.name, "nodeagent"),
            serverBean("nodeagent", () -> "STARTED", () -> node.state.getProperty("pid")));
        for (String key : node.state.stringPropertyNames()) {
            String server = key.startsWith("server.") ? key.substring(7) : "";
            if (server.isEmpty() || node.serverState(server).equals("STOPPED")) continue;
            keep(now, name("Server", server, node.name, server),
                serverBean(server, () -> node.serverState(server), () -> node.serverPid(server))
                    // Of the JSR 77 StateManageable objects, as MBeans of type Server are.
                    .attribute("startTime", () -> node.serverStart(server))
                    .operation("stop", 0, a -> node.post("/stop/" + server))
                    .operation("stopImmediate", 0, a -> node.post("/terminate/" + server)));
        }
    }

    private void keep(Set<ObjectName> now, ObjectName name, Bean bean) throws JMException {
        now.add(name);
        if (!beans.isRegistered(name)) beans.registerMBean(bean, name);
    }

    private String syncAll() throws IOException {
        for (Node node : nodes) if (node.state != null) node.post("/sync");
        return "";
    }

    private String clusterState(ConfigStore.Entry cluster) throws IOException {
        int members = 0, running = 0;
        ConfigStore store = new ConfigStore(configuration);
        for (ConfigStore.Entry member : store.ofType("ClusterMember")) {
            if (!member.parent.equals(cluster.key)) continue;
            members++;
            for (Node node : nodes) {
                boolean here = node.name.equals(member.text("nodeName"));
                if (here && node.serverState(member.text("memberName")).equals("STARTED")) running++;
            }
        }
        if (running == 0) return "websphere.cluster.stopped";
        return running == members ? "websphere.cluster.running" : "websphere.cluster.partial.start";
    }

    /** As AdminApp.getDeployStatus shows it: a node whose agent is not there is "unknown". */
    private String distribution(String application) throws IOException {
        StringBuilder text = new StringBuilder("ADMA5071I: Distribution status check started for application " + application + ".\n");
        String wanted = repository.application(application);
        for (Node node : nodes) {
            Properties state = node.state;
            boolean expanded = state != null && wanted.equals(state.getProperty("application." + application));
            // How early the product's word comes, and whether it tells of the expansion, no document says: all ways can be had.
            boolean early = Files.exists(switches.resolve("distributed-early")), told = Files.exists(switches.resolve("tells-expansion"));
            boolean distributed = expanded || (early || told) && state != null && "true".equals(state.getProperty("synchronized"));
            text.append("WebSphere:cell=" + cell + ",node=" + node.name + ",distribution=" + (state == null ? "unknown" : distributed)
                + ",expansion=" + (state == null ? "unknown" : told ? String.valueOf(expanded) : "skipped") + "\n");
        }
        return text + "ADMA5011I: The cleanup of the temp directory for application " + application + " is complete.\n"
            + "ADMA5072I: Distribution status check completed for application " + application + ".";
    }
}
