# Other programs: System.cmd, ports, environment, exit status.
IO.inspect(System.cmd("echo", ["hello", "world"]))
IO.inspect(System.cmd("sh", ["-c", "echo out; echo err >&2; exit 3"], stderr_to_stdout: true))
IO.inspect(System.cmd("sh", ["-c", "echo $PURLIN_TEST"], env: [{"PURLIN_TEST", "set"}]))
IO.inspect(:os.cmd('printf "%s" abc'))
port = Port.open({:spawn_executable, "/bin/cat"}, [:binary, :exit_status])
Port.command(port, "through the port\n")

receive do
  {^port, {:data, data}} -> IO.inspect(data)
end

Port.close(port)
System.put_env("A_VARIABLE", "x")
IO.inspect({System.get_env("A_VARIABLE"), System.get_env("NO_SUCH_VARIABLE")})
System.halt(7)
