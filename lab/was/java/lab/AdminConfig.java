package lab;

import com.ibm.ws.scripting.ScriptingException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** wsadmin's AdminConfig on the lab's cell: reads and changes in a work space of its own until they are saved. */
public final class AdminConfig {
    private final Path file;
    private ConfigStore store;
    private final Set<String> changed = new LinkedHashSet<>();

    public AdminConfig(Path file) throws IOException {
        this.file = file;
        this.store = new ConfigStore(file);
    }

    ConfigStore store() {
        return store;
    }

    public String list(String type) {
        return ids(store.ofType(type), null);
    }

    public String list(String type, String scope) throws ScriptingException {
        return ids(store.ofType(type), store.byId(scope));
    }

    private String ids(List<ConfigStore.Entry> entries, ConfigStore.Entry scope) {
        List<String> found = new ArrayList<>();
        for (ConfigStore.Entry entry : entries) if (scope == null || store.isBelow(entry, scope)) found.add(entry.id());
        return String.join(System.lineSeparator(), found);
    }

    /** "/Cell:c/Node:n/Server:s/": an empty name matches every one. */
    public String getid(String path) {
        String[] steps = path.replaceAll("^/|/$", "").split("/");
        List<String> found = new ArrayList<>();
        for (ConfigStore.Entry entry : store.all()) if (matches(entry, steps, steps.length - 1)) found.add(entry.id());
        return String.join(System.lineSeparator(), found);
    }

    private boolean matches(ConfigStore.Entry entry, String[] steps, int last) {
        if (last < 0) return true;
        if (entry == null) return false;
        String[] step = steps[last].split(":", 2);
        if (!entry.type.equals(step[0]) || (step.length > 1 && !step[1].isEmpty() && !entry.name.equals(step[1]))) return false;
        return matches(store.byKey(entry.parent), steps, last - 1);
    }

    public String showAttribute(String id, String attribute) throws ScriptingException {
        ConfigStore.Value value = value(id, attribute);
        if (value.kind.equals("text")) return value.text;
        List<String> ids = new ArrayList<>();
        for (String key : value.text.split(" ")) if (!key.isEmpty()) ids.add(store.byKey(key).id());
        if (value.kind.equals("ref")) return String.join("", ids);
        return "[" + String.join(" ", ids) + "]";
    }

    public String show(String id) throws ScriptingException {
        List<String> lines = new ArrayList<>();
        for (String name : store.byId(id).values.keySet()) lines.add("[" + name + " " + showAttribute(id, name) + "]");
        return String.join(System.lineSeparator(), lines);
    }

    private ConfigStore.Value value(String id, String attribute) throws ScriptingException {
        ConfigStore.Entry entry = store.byId(id);
        ConfigStore.Value value = entry.values.get(attribute);
        if (value != null) return value;
        throw new ScriptingException(
            "WASX7015E: Exception running command; exception information: ADMG0007E: The attribute " + attribute
                + " is not valid for type " + entry.type + ".");
    }

    /** @param attributes a list of pairs, as Jython or as text */
    public String modify(String id, Object attributes) throws ScriptingException {
        List<String> words = Words.of(String.valueOf(attributes));
        if (words.size() % 2 != 0) throw new ScriptingException("WASX7122E: Expected pairs, received " + attributes);
        for (int i = 0; i < words.size(); i += 2) value(id, words.get(i)).text = words.get(i + 1);
        changed.add(store.byId(id).key);
        return "";
    }

    public int hasChanges() {
        return changed.isEmpty() ? 0 : 1;
    }

    public String queryChanges() {
        return String.join(System.lineSeparator(), changed);
    }

    public String save() throws ScriptingException {
        try {
            store.save();
        } catch (IOException error) {
            throw new ScriptingException("WASX7015E: Exception running command: \"save\"; " + error);
        }
        changed.clear();
        return "";
    }

    public String reset() throws IOException {
        store = new ConfigStore(file);
        changed.clear();
        return "";
    }
}
