/** The reader's own account: a link to its page, and log-out. */
import { useManage } from './context.ts';

export function Account() {
  const { me, w } = useManage();
  return (
    <>
      <p>{w(me.second_factor ? 'account.factorOn' : 'account.factorOff')}</p>
      <p>
        <a class="button" href="/account">
          {w('account.page')}
        </a>
      </p>
      <form method="post" action="/logout">
        <input type="hidden" name="csrf" value={me.csrf} />
        <button type="submit" class="button">
          {w('account.out')}
        </button>
      </form>
    </>
  );
}
