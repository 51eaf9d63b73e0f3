import { connect } from "node:net";

/** What became of one attempt to connect to a port; nothing is sent. */
export type PortState = "open" | "closed" | { readonly unclear: string };

/** Of one attempt. A host that answers does so at once; one that drops packets says nothing at all. */
const CONNECT_LIMIT_MS = 5_000;

/**
 * Whether something listens at a port, as seen from this machine. Only a refusal by the host itself is "closed": a name that is not
 * known, a network without a way, and silence (a firewall's, above all) say nothing about who listens there.
 */
export function portState(address: string, port: number, limitMs = CONNECT_LIMIT_MS): Promise<PortState> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: limitMs });
    const settle = (state: PortState) => {
      socket.destroy();
      resolve(state);
    };
    socket.once("connect", () => settle("open"));
    socket.once("timeout", () => settle({ unclear: `no answer within ${limitMs} ms` }));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      settle(error.code === "ECONNREFUSED" ? "closed" : { unclear: error.code ?? error.message }),
    );
  });
}
