package lab;

import java.io.Console;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.python.util.PythonInterpreter;

/**
 * The lab's wsadmin: IBM's options and messages around a real Jython, whose version is the one on the class path.
 *
 * <p>usage: Wsadmin PROFILE [-lang jython] [-conntype SOAP] [-host H] [-port P] [-user U -password P] [-javaoption -Dk=v]
 * [-p FILE] -f SCRIPT ARGUMENT… | -c COMMAND
 */
public final class Wsadmin {
    /** No table of wsadmin's exit codes is published; these are what is seen in the field. */
    private static final int NO_CONNECTION = 103;
    private static final int SCRIPT_FAILED = 105;

    private final Path profile;
    private final Map<String, String> options = new HashMap<>();
    private final List<String> arguments = new ArrayList<>();
    private final Properties client = new Properties();
    private int exitCode;

    private Wsadmin(Path profile) {
        this.profile = profile;
    }

    public static void main(String[] args) throws Exception {
        Wsadmin wsadmin = new Wsadmin(Path.of(args[0]));
        int code = wsadmin.run(args);
        System.out.flush();
        System.exit(code);
    }

    private int run(String[] args) throws Exception {
        if (!parse(args)) return SCRIPT_FAILED;
        try (InputStream stream = new FileInputStream(clientFile())) {
            client.load(stream);
        }
        String host = options.getOrDefault("host", System.getProperty("lab.dmgr.address"));
        if (host.equals("localhost") || host.equals("127.0.0.1") || host.equals("dmgr")) host = System.getProperty("lab.dmgr.address");
        String port = options.getOrDefault("port", System.getProperty("lab.dmgr.port"));
        try (JMXConnector connector = connect(host, port)) {
            System.out.println("WASX7209I: Connected to process \"dmgr\" on node dmgr using SOAP connector;  "
                + "The type of process is: DeploymentManager");
            return runScript(new AdminControl(connector.getMBeanServerConnection(), host, port));
        } catch (SecurityException refused) {
            System.out.println("WASX7246E: Cannot establish \"SOAP\" connection to host \"" + host + "\" because of an "
                + "authentication failure. Ensure that user and password are correct on the command line or in a properties "
                + "file.\nException message (if any): \"ADMN0022E: Access is denied for the getProcessType operation\"");
        } catch (IOException down) {
            System.out.println("WASX7023E: Error creating \"SOAP\" connection to host \"" + host + "\"; exception information: "
                + "com.ibm.websphere.management.exception.ConnectorNotAvailableException: ADMC0016E: The system cannot create "
                + "a SOAP connector to connect to host " + host + " at port " + port + ".");
        }
        System.out.println("WASX7213I: This scripting client is not connected to a server process; please refer to the log "
            + "file " + profile + "/logs/wsadmin.traceout for additional information.");
        return NO_CONNECTION;
    }

    private boolean parse(String[] args) {
        int i = 1;
        while (i < args.length && args[i].startsWith("-")) {
            String name = args[i].substring(1);
            if (i + 1 >= args.length) {
                System.out.println("WASX7444E: Invalid parameter value \"\" for parameter \"" + name + "\"");
                return false;
            }
            String value = args[i + 1];
            i += 2;
            if (name.equals("javaoption") && value.startsWith("-D")) {
                String[] pair = value.substring(2).split("=", 2);
                System.setProperty(pair[0], pair.length > 1 ? pair[1] : "");
            } else {
                options.put(name.equals("username") ? "user" : name, value);
            }
            if (name.equals("f")) break;
        }
        while (i < args.length) arguments.add(args[i++]);
        if (!options.getOrDefault("lang", "jython").equals("jython")) {
            System.out.println("WASX7444E: the laboratory's wsadmin speaks jython only");
            return false;
        }
        return true;
    }

    private String clientFile() {
        String url = System.getProperty("com.ibm.SOAP.ConfigURL");
        if (url != null) return Path.of(URI.create(url)).toString();
        return options.getOrDefault("p", profile + "/properties/soap.client.props");
    }

    private JMXConnector connect(String host, String port) throws IOException {
        String user = options.getOrDefault("user", client.getProperty("com.ibm.SOAP.loginUserid", ""));
        String password = options.getOrDefault("password", client.getProperty("com.ibm.SOAP.loginPassword", ""));
        if (user.isEmpty() && "prompt".equals(client.getProperty("com.ibm.SOAP.loginSource"))) {
            System.out.print("Realm/Cell Name: <default>\nUsername: ");
            System.out.flush();
            Console console = System.console();
            if (console == null) System.in.read(); // unattended runs hang here, as the product's do
        }
        JMXServiceURL url = new JMXServiceURL("service:jmx:rmi:///jndi/rmi://" + host + ":" + port + "/jmxrmi");
        return JMXConnectorFactory.connect(url, Map.of(JMXConnector.CREDENTIALS, new String[] {user, password}));
    }

    private int runScript(AdminControl control) throws IOException {
        AdminConfig configuration = new AdminConfig(profile.resolve("config/lab-configuration.txt"));
        String script = options.getOrDefault("f", "");
        List<String> argv = new ArrayList<>();
        argv.add(script);
        argv.addAll(arguments);
        PythonInterpreter.initialize(System.getProperties(), null, argv.toArray(new String[0]));
        PythonInterpreter python = new PythonInterpreter();
        python.set("AdminControl", control);
        python.set("AdminConfig", configuration);
        python.set("AdminApp", new AdminApp(configuration, control));
        python.set("AdminTask", new AdminTask(configuration));
        python.set("_wsadmin", this);
        python.set("_file", script);
        python.set("_command", options.getOrDefault("c", ""));
        // wsadmin's own interpreter knows these packages; Jython 2.1 cannot find them in a Java of today by itself.
        python.exec("import sys\n"
            + "sys.argv = sys.argv[1:]\n"
            + "for _name in ['java.io', 'java.lang', 'java.util', 'java.net', 'java.text', 'com.ibm.ws.scripting']:\n"
            + "    sys.add_package(_name)\n"
            + "try:\n"
            + "    if _file: execfile(_file, globals())\n"
            + "    else: exec _command in globals()\n"
            + "except SystemExit:\n"
            + "    _wsadmin.exited(str(sys.exc_info()[1]))\n"
            + "except:\n"
            + "    _wsadmin.failed(str(sys.exc_info()[0]) + ': ' + str(sys.exc_info()[1]))\n");
        if (configuration.hasChanges() == 1) {
            System.out.println("WASX7309W: No \"save\" was performed before the script \"" + script
                + "\" exited; configuration changes will not be saved.");
        }
        return exitCode;
    }

    public void exited(String code) {
        try {
            exitCode = Integer.parseInt(code.trim());
        } catch (NumberFormatException text) {
            exitCode = code.isEmpty() || code.equals("None") ? 0 : 1;
        }
    }

    public void failed(String information) {
        System.out.println("WASX7017E: Exception received while running file \"" + options.get("f")
            + "\"; exception information: " + information);
        exitCode = SCRIPT_FAILED;
    }
}
