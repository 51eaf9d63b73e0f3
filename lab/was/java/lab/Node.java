package lab;

import java.io.IOException;
import java.io.StringReader;
import java.util.Properties;

/** A node as the deployment manager sees it: through its agent, or not at all. */
final class Node {
    private static final int CONNECT_MS = 1_000;
    private static final int READ_MS = 600_000;
    private static final int STATE_MS = 2_000;

    final String name;
    private final String url;
    private final String token;
    /** null while the agent does not answer. */
    volatile Properties state;

    Node(String name, String address, String token) {
        this.name = name;
        this.url = "http://" + address;
        this.token = token;
    }

    void refresh() {
        try {
            Properties read = new Properties();
            read.load(new StringReader(Http.send(url + "/state", "GET", token, null, CONNECT_MS, STATE_MS)));
            state = read;
        } catch (IOException unreachable) {
            state = null;
        }
    }

    String post(String path) throws IOException {
        return Http.send(url + path, "POST", token, null, CONNECT_MS, READ_MS);
    }

    String serverState(String server) {
        Properties now = state;
        String text = now == null ? "" : now.getProperty("server." + server, "");
        return text.split(" ")[0];
    }

    String serverPid(String server) {
        return wordOf(server, 1);
    }

    /** Milliseconds since the epoch. */
    String serverStart(String server) {
        return wordOf(server, 2);
    }

    private String wordOf(String server, int index) {
        Properties now = state;
        String[] words = (now == null ? "" : now.getProperty("server." + server, "")).split(" ");
        return words.length > index ? words[index] : "";
    }
}
