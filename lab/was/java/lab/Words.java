package lab;

import java.util.ArrayList;
import java.util.List;

/** The words of an argument in wsadmin's notation: blanks and commas part them, brackets group, quotes hold together. */
final class Words {
    private Words() {}

    static List<String> of(String text) {
        List<String> words = new ArrayList<>();
        StringBuilder word = null;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quote != 0) {
                if (c == quote) quote = 0;
                else word.append(c);
            } else if (c == '\'' || c == '"') {
                if (word != null && word.length() == 1 && word.charAt(0) == 'u') word = null; // u'…' of Jython 2.7
                if (word == null) word = new StringBuilder();
                quote = c;
            } else if (" ,[]\t\n\r".indexOf(c) >= 0) {
                if (word != null) words.add(word.toString());
                word = null;
            } else {
                if (word == null) word = new StringBuilder();
                word.append(c);
            }
        }
        if (word != null) words.add(word.toString());
        return words;
    }
}
