# What `mix compile` spends its time on; bench/project/generate.exs writes the project.
defmodule CompileProject do
  @modules 40
  def bench do
    dir = Path.join(System.tmp_dir!(), "project#{System.pid()}")
    argv = System.argv()
    System.argv([dir, "#{@modules}"])
    Code.eval_file(Path.join(__DIR__, "project/generate.exs"))
    System.argv(argv)
    ebin = Path.join(dir, "ebin")
    File.mkdir_p!(ebin)
    files = Path.wildcard(Path.join(dir, "lib/*.ex"))

    {@modules,
     fn ->
       {:ok, modules, _} = Kernel.ParallelCompiler.compile_to_path(files, ebin)
       File.rm_rf!(dir)
       true = length(modules) > @modules
     end}
  end
end
