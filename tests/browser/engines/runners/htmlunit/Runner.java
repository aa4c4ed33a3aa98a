import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Carries out commands for an emulated browser: lines of percent-encoded words, on standard input and output. */
public final class Runner {
    private final Emulation emulation;

    private Runner(Emulation emulation) {
        this.emulation = emulation;
    }

    /** The argument is the name of a version of a browser, as HtmlUnit has it. */
    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err);
        Logger.getLogger("").setLevel(Level.OFF);
        Runner runner = new Runner(new Emulation(arguments[0]));
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        answers.println("ready");
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            answers.println(runner.answer(line));
        }
        System.exit(0);
    }

    private String answer(String line) {
        try {
            return encode("value", carryOut(decode(line)));
        } catch (Exception | StackOverflowError error) {
            return encode("failed", Collections.singletonList(String.valueOf(error)));
        }
    }

    private List<String> carryOut(List<String> words) throws Exception {
        switch (words.get(0)) {
            case "open":
                emulation.open(words.get(1), words.get(2));
                return Collections.emptyList();
            case "evaluate":
                return Collections.singletonList(emulation.evaluate(words.get(1)));
            case "errors":
                return emulation.errors();
            case "leave":
                emulation.leave();
                return Collections.emptyList();
            default:
                throw new IllegalArgumentException("no such command: " + words.get(0));
        }
    }

    private static List<String> decode(String line) throws Exception {
        List<String> words = new ArrayList<>();
        for (String word : line.split(" ", -1)) {
            words.add(URLDecoder.decode(word, StandardCharsets.UTF_8));
        }
        return words;
    }

    private static String encode(String verb, List<String> words) {
        StringBuilder line = new StringBuilder(verb);
        for (String word : words) {
            line.append(' ').append(URLEncoder.encode(word, StandardCharsets.UTF_8).replace("+", "%20"));
        }
        return line.toString();
    }
}
