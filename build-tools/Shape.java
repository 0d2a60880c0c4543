import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LineMap;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/**
 * Holds files to 400 lines, methods to 40 and parameters to 6, with the JDK's own parser. Record
 * components do not count as parameters; test files may have 600 lines.
 */
final class Shape {
  private static final int FILE_LINES = 400;
  private static final int TEST_FILE_LINES = 600;
  private static final int METHOD_LINES = 40;
  private static final int TEST_METHOD_LINES = 60;
  private static final int PARAMETERS = 6;

  public static void main(String[] args) throws Exception {
    List<String> complaints = new ArrayList<>();
    List<Path> files = Sources.below(Path.of(args[0]));
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    try (var manager = compiler.getStandardFileManager(null, null, null)) {
      var units = manager.getJavaFileObjectsFromPaths(files);
      var task = (JavacTask) compiler.getTask(null, manager, d -> {}, List.of("-proc:none"), null, units);
      SourcePositions positions = Trees.instance(task).getSourcePositions();
      for (CompilationUnitTree unit : task.parse()) {
        check(unit, positions, complaints);
      }
    }
    complaints.forEach(System.err::println);
    System.exit(complaints.isEmpty() ? 0 : 1);
  }

  private static void check(CompilationUnitTree unit, SourcePositions positions, List<String> complaints)
      throws Exception {
    Path file = Path.of(unit.getSourceFile().toUri());
    boolean test = file.toString().contains("/src/test/");
    long lines = Files.lines(file).count();
    int limit = test ? TEST_FILE_LINES : FILE_LINES;
    if (lines > limit) {
      complaints.add(file + ": " + lines + " lines (expected: at most " + limit + ")");
    }
    new Methods(unit, positions, complaints, test ? TEST_METHOD_LINES : METHOD_LINES).scan(unit, null);
  }

  private static final class Methods extends TreeScanner<Void, Void> {
    private final CompilationUnitTree unit;
    private final SourcePositions positions;
    private final List<String> complaints;
    private final int limit;
    private boolean inRecord;

    Methods(CompilationUnitTree unit, SourcePositions positions, List<String> complaints, int limit) {
      this.unit = unit;
      this.positions = positions;
      this.complaints = complaints;
      this.limit = limit;
    }

    @Override
    public Void visitClass(ClassTree type, Void unused) {
      boolean outer = inRecord;
      inRecord = type.getKind() == com.sun.source.tree.Tree.Kind.RECORD;
      super.visitClass(type, unused);
      inRecord = outer;
      return null;
    }

    @Override
    public Void visitMethod(MethodTree method, Void unused) {
      LineMap map = unit.getLineMap();
      boolean constructor = method.getName().contentEquals("<init>");
      if (method.getBody() != null && positions.getStartPosition(unit, method) >= 0) {
        long first = map.getLineNumber(positions.getStartPosition(unit, method.getBody()));
        long last = map.getLineNumber(positions.getEndPosition(unit, method));
        if (last - first - 1 > limit) {
          complain(method, last - first - 1 + " lines (expected: at most " + limit + ")");
        }
      }
      if (!(constructor && inRecord) && method.getParameters().size() > PARAMETERS) {
        complain(method, method.getParameters().size() + " parameters (expected: at most " + PARAMETERS + ")");
      }
      return super.visitMethod(method, unused);
    }

    private void complain(MethodTree method, String what) {
      long line = unit.getLineMap().getLineNumber(positions.getStartPosition(unit, method));
      complaints.add(
          Path.of(unit.getSourceFile().toUri()) + ":" + line + ": " + method.getName() + ": " + what);
    }
  }
}
