package lab;

import java.util.ArrayList;
import java.util.List;

/** The little of wsadmin's AdminTask that is asked of the lab. */
public final class AdminTask {
    private final AdminConfig configuration;

    AdminTask(AdminConfig configuration) {
        this.configuration = configuration;
    }

    public String listNodes() {
        List<String> names = new ArrayList<>();
        for (ConfigStore.Entry node : configuration.store().ofType("Node")) names.add(node.name);
        return String.join(System.lineSeparator(), names);
    }

    /** Nodes with an agent. */
    public String listManagedNodes() {
        List<String> names = new ArrayList<>();
        for (ConfigStore.Entry entry : configuration.store().ofType("ServerEntry")) {
            if (entry.text("serverType").equals("NODE_AGENT")) names.add(configuration.store().byKey(entry.parent).text("nodeName"));
        }
        return String.join(System.lineSeparator(), names);
    }
}
