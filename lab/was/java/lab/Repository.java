package lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The master configuration below the profile's config folder, as nodes fetch it. */
final class Repository {
    private final Path folder;
    private final String cell;

    Repository(Path folder, String cell) {
        this.folder = folder;
        this.cell = cell;
    }

    static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** Path and digest of everything that a node gets: not the folders of other nodes. */
    SortedMap<String, String> files(String node) throws IOException {
        SortedMap<String, String> found = new TreeMap<>();
        String nodes = "cells/" + cell + "/nodes/";
        try (Stream<Path> paths = Files.walk(folder.resolve("cells"))) {
            for (Path path : (Iterable<Path>) paths.filter(Files::isRegularFile)::iterator) {
                String name = folder.relativize(path).toString();
                if (name.startsWith(nodes) && !name.startsWith(nodes + node + "/")) continue;
                found.put(name, digest(Files.readAllBytes(path)));
            }
        }
        return found;
    }

    String epoch(String node) throws IOException {
        return digest(files(node).toString().getBytes());
    }

    byte[] read(String name) throws IOException {
        Path path = folder.resolve(name).normalize();
        if (!path.startsWith(folder.resolve("cells"))) throw new IOException("outside of the configuration: " + name);
        return Files.readAllBytes(path);
    }

    /** Digest of an application's EAR in the master configuration. */
    String application(String name) throws IOException {
        return digest(read("cells/" + cell + "/applications/" + name + ".ear/" + name + ".ear"));
    }
}
