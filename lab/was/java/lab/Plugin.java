package lab;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Generation and propagation of plugin-cfg.xml, by hand or, where the web server is set to AUTOMATIC, by itself. */
final class Plugin {
    private static final DateTimeFormatter GENERATED = DateTimeFormatter.ofPattern("yyyy.MM.dd 'at' hh:mm:ss a 'UTC'", Locale.US);
    private static final int TIMEOUT_MS = 10_000;

    private final Path configuration;
    private final String cell, administration, token;

    Plugin(Path configuration, String cell, String administration, String token) {
        this.configuration = configuration;
        this.cell = cell;
        this.administration = administration;
        this.token = token;
    }

    private Path file(String node, String server) {
        return configuration.resolve("cells/" + cell + "/nodes/" + node + "/servers/" + server + "/plugin-cfg.xml");
    }

    /** The topology of a lab never changes, so only the date in the header comment does. */
    String generate(String cellName, String node, String server) throws IOException {
        if (!cellName.equals(cell)) throw new IOException("no cell " + cellName);
        Path file = file(node, server);
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        String date = ZonedDateTime.now(ZoneOffset.UTC).format(GENERATED);
        String dated = text.replaceFirst("generated on [^>]*-->", "generated on " + date + "-->");
        Path temporary = file.resolveSibling("plugin-cfg.xml.new");
        Files.writeString(temporary, dated, StandardCharsets.ISO_8859_1);
        Files.move(temporary, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        return "PLGC0005I: Plug-in configuration file = " + file;
    }

    String propagate(String node, String server) throws IOException {
        byte[] bytes = Files.readAllBytes(file(node, server));
        Http.send("http://" + administration + "/plugin-cfg", "PUT", token, bytes, TIMEOUT_MS, TIMEOUT_MS);
        return "PLGC0062I: The plug-in configuration file is propagated from " + file(node, server) + " to the web server computer.";
    }

    /** What the deployment manager does by itself when applications were updated. */
    String afterUpdate() throws IOException {
        StringBuilder said = new StringBuilder();
        for (ConfigStore.Entry one : new ConfigStore(configuration.resolve("lab-configuration.txt")).ofType("PluginProperties")) {
            String[] place = one.key.split("[/|]"); // cells/c/nodes/n/servers/s|server.xml#…
            if (one.text("PluginGeneration").equals("AUTOMATIC")) said.append(generate(cell, place[3], place[5])).append('\n');
            if (one.text("PluginPropagation").equals("AUTOMATIC")) said.append(propagate(place[3], place[5])).append('\n');
        }
        return said.toString();
    }
}
