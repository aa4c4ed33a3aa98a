import com.gargoylesoftware.htmlunit.BrowserVersion;
import com.gargoylesoftware.htmlunit.ScriptException;
import com.gargoylesoftware.htmlunit.WebClient;
import com.gargoylesoftware.htmlunit.html.HtmlPage;
import com.gargoylesoftware.htmlunit.javascript.JavaScriptErrorListener;
import java.net.MalformedURLException;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** One page in one emulated browser; every page has a client of its own, and so no cookies of another. */
final class Emulation implements JavaScriptErrorListener {
    private static final int TIMEOUT = 60_000;
    private static final int CLOSING = 500;

    private final BrowserVersion version;
    private final List<String> errors = Collections.synchronizedList(new ArrayList<>());
    private WebClient client;

    Emulation(String version) throws ReflectiveOperationException {
        this.version = (BrowserVersion) BrowserVersion.class.getField(version).get(null);
        ParallelRequests.install();
    }

    void open(String address, String before) throws Exception {
        leave();
        errors.clear();
        client = new WebClient(version);
        client.getOptions().setThrowExceptionOnScriptError(false);
        client.getOptions().setThrowExceptionOnFailingStatusCode(false);
        client.getOptions().setTimeout(TIMEOUT);
        client.getOptions().setActiveXNative(false);
        client.setJavaScriptErrorListener(this);
        new Prelude(client, before);
        client.getPage(address);
    }

    String evaluate(String script) {
        Object value = page().executeJavaScript(script).getJavaScriptResult();
        if (value instanceof CharSequence) {
            return value.toString();
        }
        throw new IllegalArgumentException("the script could not be read");
    }

    List<String> errors() {
        synchronized (errors) {
            return new ArrayList<>(errors);
        }
    }

    /** A script that is being loaded, such as a poll by JSONP, holds the closing up for 10 s: it goes on behind. */
    void leave() throws InterruptedException {
        if (client != null) {
            Thread closing = new Thread(client::closeAllWindows);
            closing.setDaemon(true);
            closing.start();
            closing.join(CLOSING);
            client = null;
        }
    }

    private HtmlPage page() {
        if (client == null) {
            throw new IllegalStateException("no page is open");
        }
        return (HtmlPage) client.getCurrentWindow().getEnclosedPage();
    }

    @Override
    public void scriptException(HtmlPage page, ScriptException exception) {
        errors.add(exception.getMessage() + " " + exception.getFailingLine());
    }

    @Override
    public void timeoutError(HtmlPage page, long allowed, long taken) {
        errors.add("a script ran for " + taken + " ms");
    }

    @Override
    public void malformedScriptURL(HtmlPage page, String address, MalformedURLException exception) {
        errors.add("a script has the address " + address);
    }

    @Override
    public void loadScriptError(HtmlPage page, URL address, Exception exception) {
        // The network's error, and not the page's: its own handler is told.
    }
}
