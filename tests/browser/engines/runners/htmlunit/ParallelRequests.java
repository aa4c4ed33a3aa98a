import com.gargoylesoftware.htmlunit.javascript.background.BackgroundJavaScriptFactory;
import com.gargoylesoftware.htmlunit.javascript.background.JavaScriptJob;
import net.sourceforge.htmlunit.corejs.javascript.ContextAction;
import net.sourceforge.htmlunit.corejs.javascript.ContextFactory;

/** Gives every XMLHttpRequest a thread; else a parked one would hold up all timers and requests of its window. */
final class ParallelRequests extends BackgroundJavaScriptFactory {
    static void install() {
        setFactory(new ParallelRequests());
    }

    @Override
    public JavaScriptJob createJavascriptXMLHttpRequestJob(ContextFactory factory, ContextAction action) {
        return new Request(super.createJavascriptXMLHttpRequestJob(factory, action));
    }

    private static final class Request implements JavaScriptJob {
        private final JavaScriptJob job;

        Request(JavaScriptJob job) {
            this.job = job;
        }

        @Override
        public void run() {
            Thread thread = new Thread(job, "request");
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public Integer getId() {
            return job.getId();
        }

        @Override
        public void setId(Integer id) {
            job.setId(id);
        }

        @Override
        public long getTargetExecutionTime() {
            return job.getTargetExecutionTime();
        }

        @Override
        public void setTargetExecutionTime(long time) {
            job.setTargetExecutionTime(time);
        }

        @Override
        public Integer getPeriod() {
            return job.getPeriod();
        }

        @Override
        public boolean isPeriodic() {
            return job.isPeriodic();
        }

        @Override
        public boolean isExecuteAsap() {
            return job.isExecuteAsap();
        }

        @Override
        public int compareTo(JavaScriptJob other) {
            return Long.compare(getTargetExecutionTime(), other.getTargetExecutionTime());
        }
    }
}
