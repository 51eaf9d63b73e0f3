package lab;

import com.ibm.ws.scripting.ScriptingException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import javax.management.Attribute;
import javax.management.JMException;
import javax.management.MBeanOperationInfo;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;

/** wsadmin's AdminControl over plain JMX: real ObjectName queries; text in, text out. */
public final class AdminControl {
    private final MBeanServerConnection server;
    private final String host;
    private final String port;

    AdminControl(MBeanServerConnection server, String host, String port) {
        this.server = server;
        this.host = host;
        this.port = port;
    }

    private interface Question<T> {
        T ask() throws JMException, IOException;
    }

    private static <T> T ask(String what, Question<T> question) throws ScriptingException {
        try {
            return question.ask();
        } catch (JMException | IOException | RuntimeException error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            throw new ScriptingException("WASX7015E: Exception running command: \"" + what + "\"; exception information: " + cause);
        }
    }

    public String getCell() throws ScriptingException {
        return key("cell");
    }

    public String getNode() throws ScriptingException {
        return key("node");
    }

    public String getHost() {
        return host;
    }

    public String getPort() {
        return port;
    }

    public String getType() {
        return "SOAP";
    }

    private String key(String name) throws ScriptingException {
        return ask("get" + name, () -> new ObjectName(completeName("type=DeploymentManager,*")).getKeyProperty(name));
    }

    private List<String> names(String query) throws JMException, IOException {
        List<String> names = new ArrayList<>();
        ObjectName pattern = new ObjectName(query.startsWith("WebSphere:") ? query : "WebSphere:" + query);
        for (ObjectName name : server.queryNames(pattern, null)) names.add(name.toString());
        Collections.sort(names);
        return names;
    }

    private String completeName(String query) throws JMException, IOException {
        List<String> names = names(query);
        return names.isEmpty() ? "" : names.get(0);
    }

    public String queryNames(String query) throws ScriptingException {
        return ask("queryNames", () -> String.join(System.lineSeparator(), names(query)));
    }

    public String completeObjectName(String query) throws ScriptingException {
        return ask("completeObjectName", () -> completeName(query));
    }

    public String getAttribute(String name, String attribute) throws ScriptingException {
        return ask("getAttribute", () -> String.valueOf(server.getAttribute(new ObjectName(name), attribute)));
    }

    public String setAttribute(String name, String attribute, String value) throws ScriptingException {
        return ask("setAttribute", () -> {
            server.setAttribute(new ObjectName(name), new Attribute(attribute, value));
            return "";
        });
    }

    public String invoke(String name, String operation) throws ScriptingException {
        return invoke(name, operation, "");
    }

    public String invoke(String name, String operation, String arguments) throws ScriptingException {
        List<String> words = Words.of(arguments);
        return ask("invoke", () -> {
            for (MBeanOperationInfo info : server.getMBeanInfo(new ObjectName(name)).getOperations()) {
                if (!info.getName().equals(operation) || info.getSignature().length != words.size()) continue;
                String[] types = new String[words.size()];
                java.util.Arrays.fill(types, String.class.getName());
                Object answer = server.invoke(new ObjectName(name), operation, words.toArray(), types);
                return answer == null ? "" : String.valueOf(answer);
            }
            throw new IllegalArgumentException("WASX7025E: no operation " + operation + " with " + words.size() + " arguments");
        });
    }

    public String startServer(String name, String node) throws ScriptingException {
        return startServer(name, node, "1200");
    }

    public String startServer(String name, String node, String seconds) throws ScriptingException {
        String said = invoke(agentOf(name, node), "launchProcess", name);
        if (said.equals("running")) throw new ScriptingException("WASX7015E: server \"" + name + "\" is already running");
        if (said.equals("started")) return "WASX7262I: Start completed for server \"" + name + "\" on node \"" + node + "\"";
        return "WASX7263W: Start server completed for server \"" + name + "\" on node \"" + node + "\" but it is not running";
    }

    public String stopServer(String name, String node) throws ScriptingException {
        return stopServer(name, node, "normal");
    }

    public String stopServer(String name, String node, String mode) throws ScriptingException {
        String server = completeObjectName("type=Server,node=" + node + ",name=" + name + ",*");
        if (server.isEmpty()) {
            throw new ScriptingException("WASX7015E: Unable to find server \"" + name + "\" on node \"" + node + "\" running");
        }
        invoke(server, mode.equals("normal") ? "stop" : "stopImmediate");
        return "WASX7337I: Invoked stop for server \"" + name + "\" Waiting for stop completion."
            + System.lineSeparator() + "WASX7264I: Stop completed for server \"" + name + "\" on node \"" + node + "\"";
    }

    private String agentOf(String name, String node) throws ScriptingException {
        String agent = completeObjectName("type=NodeAgent,node=" + node + ",*");
        if (!agent.isEmpty()) return agent;
        throw new ScriptingException("WASX7253W: Cannot find node agent on node \"" + node + "\" to start server \"" + name + "\"");
    }
}
