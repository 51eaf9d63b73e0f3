import { readFileSync } from "node:fs";
import { type AuthContext, type Connection, Server, type ServerConfig, type SFTPWrapper, utils } from "ssh2";

const { STATUS_CODE } = utils.sftp;

export interface SshStandInOptions {
  readonly hostKeyFile: string;
  /** Decides each attempt to log in. */
  readonly authenticate: (attempt: AuthContext) => void;
  /** Answers SFTP with a server that knows no extensions and no files, only new ones. */
  readonly plainSftp?: boolean;
}

export interface SshStandIn {
  readonly port: number;
  /** Methods that clients tried, in order. */
  readonly tried: readonly string[];
  stop(): Promise<void>;
}

/**
 * A stand-in for SSH servers that OpenSSH cannot play here: ones that take passwords (an unprivileged sshd cannot check any)
 * and ones without OpenSSH's SFTP extensions. Commands end with exit code 0 and no output.
 */
export async function startSshStandIn(options: SshStandInOptions): Promise<SshStandIn> {
  const tried: string[] = [];
  const clients = new Set<Connection>();
  const config: ServerConfig = { hostKeys: [readFileSync(options.hostKeyFile)] };
  const server = new Server(config, (client) => {
    clients.add(client);
    client.on("error", () => undefined);
    client.on("close", () => clients.delete(client));
    client.on("authentication", (attempt) => {
      tried.push(attempt.method);
      options.authenticate(attempt);
    });
    client.on("session", (accept) => {
      const session = accept();
      session.on("exec", (acceptExec) => {
        const channel = acceptExec();
        channel.exit(0);
        channel.end();
      });
      if (options.plainSftp) session.on("sftp", (acceptSftp) => answerPlainly(acceptSftp()));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    tried,
    stop: async () => {
      for (const client of clients) client.end();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerPlainly(sftp: SFTPWrapper): void {
  const directory = { mode: 0o040755, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };
  const file = { ...directory, mode: 0o100600 };
  sftp.on("STAT", (id: number, path: string) =>
    path === "/" ? sftp.attrs(id, directory) : sftp.status(id, STATUS_CODE.NO_SUCH_FILE),
  );
  sftp.on("LSTAT", (id: number) => sftp.status(id, STATUS_CODE.NO_SUCH_FILE));
  sftp.on("REALPATH", (id: number, path: string) =>
    sftp.name(id, [{ filename: path, longname: path, attrs: directory }]),
  );
  sftp.on("OPENDIR", (id: number) => sftp.handle(id, Buffer.from("d")));
  sftp.on("READDIR", (id: number) => sftp.status(id, STATUS_CODE.EOF));
  sftp.on("OPEN", (id: number, path: string) =>
    path.endsWith(".tmp") ? sftp.handle(id, Buffer.from("f")) : sftp.status(id, STATUS_CODE.NO_SUCH_FILE),
  );
  sftp.on("FSTAT", (id: number) => sftp.attrs(id, file));
  for (const request of ["WRITE", "FSETSTAT", "CLOSE", "REMOVE"])
    sftp.on(request, (id: number) => sftp.status(id, STATUS_CODE.OK));
}
