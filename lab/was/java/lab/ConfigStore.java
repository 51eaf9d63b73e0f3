package lab;

import com.ibm.ws.scripting.ScriptingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The configuration objects of the lab's cell, from one text file. Lines, parts separated by tabs: "object TYPE NAME KEY PARENT"
 * followed by its attributes: "text NAME VALUE", "ref NAME KEY", "list NAME KEY KEY …". A key is CONTEXT|FILE#LOCAL_ID.
 */
final class ConfigStore {
    static final class Value {
        final String kind;
        String text;

        Value(String kind, String text) {
            this.kind = kind;
            this.text = text;
        }
    }

    static final class Entry {
        String type, name, key, parent;
        final Map<String, Value> values = new LinkedHashMap<>();

        /** As scripts see it; a name with a blank makes wsadmin quote the whole. */
        String id() {
            String id = name + "(" + key + ")";
            return id.indexOf(' ') < 0 ? id : "\"" + id + "\"";
        }

        String text(String attribute) {
            Value value = values.get(attribute);
            return value == null ? "" : value.text;
        }
    }

    private final Path file;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    ConfigStore(Path file) throws IOException {
        this.file = file;
        Entry current = null;
        for (String line : Files.readAllLines(file)) {
            String[] parts = line.split("\t", -1);
            if (parts[0].equals("object")) {
                current = new Entry();
                current.type = parts[1];
                current.name = parts[2];
                current.key = parts[3];
                current.parent = parts[4];
                entries.put(current.key, current);
            } else if (parts.length == 3 && current != null) {
                current.values.put(parts[1], new Value(parts[0], parts[2]));
            }
        }
    }

    Iterable<Entry> all() {
        return entries.values();
    }

    List<Entry> ofType(String type) {
        List<Entry> found = new ArrayList<>();
        for (Entry entry : entries.values()) if (entry.type.equals(type)) found.add(entry);
        return found;
    }

    Entry byKey(String key) {
        return entries.get(key);
    }

    Entry byId(String id) throws ScriptingException {
        String plain = id.startsWith("\"") ? id.substring(1, id.length() - 1) : id;
        int open = plain.lastIndexOf('(');
        Entry found = open < 0 ? null : entries.get(plain.substring(open + 1, plain.length() - 1));
        if (found == null) throw new ScriptingException("WASX7077E: Invalid configuration identifier: " + id);
        return found;
    }

    boolean isBelow(Entry entry, Entry ancestor) {
        for (Entry at = entry; at != null; at = entries.get(at.parent)) if (at == ancestor) return true;
        return false;
    }

    void save() throws IOException {
        StringBuilder text = new StringBuilder();
        for (Entry entry : entries.values()) {
            text.append(String.join("\t", "object", entry.type, entry.name, entry.key, entry.parent)).append('\n');
            entry.values.forEach((name, value) ->
                text.append(String.join("\t", value.kind, name, value.text)).append('\n'));
        }
        Path temporary = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(temporary, text);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
