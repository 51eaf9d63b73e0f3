/**
 * A managed resource's properties for a policy, each under a key of its own. Settings (how it is reached, proved and run)
 * travel as one JSON text, `settings`; identity and what is managed do not.
 *
 * @param {Readonly<Record<string, unknown>>} props as the engine hands them to a policy
 * @returns {Record<string, unknown>}
 */
function withSettings(props) {
  const { settings, ...others } = props;
  return typeof settings === "string" ? { ...JSON.parse(settings), ...others } : props;
}

module.exports = { withSettings };
